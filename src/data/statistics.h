// What normalisation needs to know of a set of images.
#pragma once

#include <hone/tensor.h>

#include <vector>

namespace hone::data {

struct ChannelStatistics {
  std::vector<double> mean;       ///< per channel, in pixel units
  std::vector<double> deviation;  ///< the population's standard deviation
};

/// Of u8 images [count, channels, height, width]: exact, in integers, so no order matters.
ChannelStatistics channel_statistics(const Tensor& images);

}  // namespace hone::data

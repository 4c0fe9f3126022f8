// Sums of pixels and of their squares, in 64-bit integers.
#include "data/statistics.h"

#include <cmath>

#include "base/error.h"

namespace hone::data {

ChannelStatistics channel_statistics(const Tensor& images) {
  require(images.dtype() == DType::u8 && images.shape().rank() == 4 && images.elements() > 0,
          "channel statistics: expected u8 images [count,channels,height,width], found {}",
          images.type());
  const int64_t channels = images.shape()[1];
  const int64_t area = images.shape()[2] * images.shape()[3];
  std::vector<uint64_t> sum(static_cast<size_t>(channels)), squares(static_cast<size_t>(channels));
  const uint8_t* p = images.data<uint8_t>();
  for (int64_t i = 0; i < images.shape()[0]; ++i) {
    for (size_t c = 0; c < sum.size(); ++c) {
      uint64_t s = 0;
      uint64_t q = 0;
      for (int64_t e = 0; e < area; ++e, ++p) {
        s += *p;
        q += uint64_t{*p} * *p;
      }
      sum[c] += s;
      squares[c] += q;
    }
  }
  ChannelStatistics out;
  const double n = static_cast<double>(images.shape()[0] * area);
  for (size_t c = 0; c < sum.size(); ++c) {
    const double mean = static_cast<double>(sum[c]) / n;
    const double variance = static_cast<double>(squares[c]) / n - mean * mean;
    out.mean.push_back(mean);
    out.deviation.push_back(std::sqrt(std::max(variance, 0.0)));
  }
  return out;
}

}  // namespace hone::data

// Which places of a filter reach an image at each position: what makes tiles uniform. All positions
// of one class read the same taps, so that padding is skipped by choosing the loop, never by a test
// inside it.
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "ir/infer.h"
#include "kernels/blocks.h"

namespace hone::kernels {

/// How a filter moves along one axis.
struct AxisFilter {
  int64_t taps, stride, pad, dilation;
};
inline AxisFilter filter_rows(const ir::ConvDims& d) {
  return {d.kh, d.stride_h, d.pad_top, d.dilation_h};
}
inline AxisFilter filter_cols(const ir::ConvDims& d) {
  return {d.kw, d.stride_w, d.pad_left, d.dilation_w};
}

/// Positions of the result along one axis that read the same taps.
struct AxisClass {
  struct Tap {
    int64_t k;       ///< which tap
    int64_t source;  ///< what it reads, from what the class's first tap reads
    friend bool operator==(const Tap&, const Tap&) = default;
    friend bool operator<(const Tap& a, const Tap& b) {
      return std::tie(a.k, a.source) < std::tie(b.k, b.source);
    }
  };
  struct Place {
    int64_t result;  ///< the position
    int64_t source;  ///< what its first tap reads
  };
  std::vector<Tap> taps;  ///< ascending; empty where only padding is read
  std::vector<Place> places;
};

/// Classes of the output's positions, which read the input.
std::vector<AxisClass> output_classes(const AxisFilter& f, int64_t inputs, int64_t outputs);
/// Classes of the input's positions, which read the outputs they take part in.
std::vector<AxisClass> input_classes(const AxisFilter& f, int64_t inputs, int64_t outputs);

/// The outputs whose tap k does not fall on padding.
Range outputs_of_tap(const AxisFilter& f, int64_t k, int64_t inputs, int64_t outputs);

}  // namespace hone::kernels

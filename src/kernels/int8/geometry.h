// A product or convolution of bytes as "int8.dot" sees it, and the panels that its weights lie in.
#pragma once

#include "ir/panels.h"
#include "kernels/int8/micro.h"
#include "kernels/kernel.h"

namespace hone::kernels {

/// A product is a convolution of 1 x 1, on lines of one pixel.
struct DotGeometry {
  int64_t n, h, w, c;  ///< x without padding
  int64_t oh, ow, o;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t kh = 1, kw = 1, groups = 1;

  bool is_depthwise() const { return groups > 1 && groups == c && groups == o; }
  bool has_padding() const { return top + left + bottom + right > 0; }
  /// True if the taps of a line of the filter lie side by side in the image.
  bool has_whole_lines() const { return groups == 1 && (dilation_w == 1 || kw == 1); }
};

DotGeometry dot_geometry(const Problem& problem);

/// True if neighbouring pixels of a depthwise convolution share what they read.
bool in_pairs(const DotFns& fns, int64_t kw, int64_t stride_w, int64_t dilation_w);

/// Runs are the taps of the format; depthwise, its depth, but in pairs.
ir::PanelFormat dot_panels(const ir::Node& node, const Shape& w, Isa isa);

}  // namespace hone::kernels

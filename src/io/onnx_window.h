// Where a convolution's or a pool's window goes, for any number of spatial axes.
#pragma once

#include "io/onnx_importer.h"

namespace hone::io {

/// One entry a spatial axis.
struct OnnxWindow {
  ir::Ints kernel, stride, dilation;
  ir::Ints begin, end;  ///< padding
  ir::Ints outputs;     ///< how many places the window has

  size_t rank() const { return kernel.size(); }
  /// Places of the input that a window reaches over, along an axis.
  int64_t reach(size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

/// The window of a node whose first input has shape `x` [N,C,...], from strides, pads, dilations,
/// auto_pad and ceil_mode; where ceil_mode adds a place, `end` grows. Throws where they do not fit.
OnnxWindow window_of(const onnx::NodeProto& node, const Shape& x, ir::Ints kernel);

/// The spatial extents of a convolution's weight, which `kernel_shape` must agree with.
ir::Ints kernel_of(const onnx::NodeProto& node, const Shape& weight);
/// The convolution of one to three spatial axes. Padding of bytes, of one or two axes, holds
/// `pad_value`.
ir::Expr conv_of(const ir::Expr& x, const ir::Expr& w, const OnnxWindow& at, int64_t groups,
                 int64_t pad_value = 0);

}  // namespace hone::io

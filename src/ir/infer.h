// Shape rules: one function for each name in the last column of ops.inc.
#pragma once

#include <span>
#include <vector>

#include "ir/op.h"

namespace hone::ir {

using Types = std::span<const TensorType>;
using Inferred = std::vector<TensorType>;

Inferred infer_declared(Types, const Attrs&);
Inferred infer_constant(Types, const Attrs&);
Inferred infer_elementwise(Types, const Attrs&);
Inferred infer_compare(Types, const Attrs&);
Inferred infer_select(Types, const Attrs&);
Inferred infer_cast(Types, const Attrs&);
Inferred infer_fused(Types, const Attrs&);
Inferred infer_reshape(Types, const Attrs&);
Inferred infer_transpose(Types, const Attrs&);
Inferred infer_broadcast(Types, const Attrs&);
Inferred infer_concat(Types, const Attrs&);
Inferred infer_slice(Types, const Attrs&);
Inferred infer_pad(Types, const Attrs&);
Inferred infer_one_hot(Types, const Attrs&);
Inferred infer_gather(Types, const Attrs&);
Inferred infer_unpack(Types, const Attrs&);
Inferred infer_dim(Types, const Attrs&);
Inferred infer_reduce(Types, const Attrs&);
Inferred infer_argmax(Types, const Attrs&);
Inferred infer_cumsum(Types, const Attrs&);
Inferred infer_topk(Types, const Attrs&);
Inferred infer_scatter_add(Types, const Attrs&);
Inferred infer_moments(Types, const Attrs&);
Inferred infer_matmul(Types, const Attrs&);
Inferred infer_conv2d(Types, const Attrs&);
Inferred infer_winograd_filter(Types, const Attrs&);
Inferred infer_winograd_conv2d(Types, const Attrs&);
Inferred infer_conv2d_grad_input(Types, const Attrs&);
Inferred infer_conv2d_grad_weight(Types, const Attrs&);
Inferred infer_pool2d(Types, const Attrs&);
Inferred infer_first(Types, const Attrs&);
Inferred infer_shape(Types, const Attrs&);
Inferred infer_random(Types, const Attrs&);

/// Throws InvalidInput unless the type is f32 or f64.
void require_float(const TensorType& type);

/// Throws InvalidInput for a shape that no machine holds, so that arithmetic on sizes is safe.
void require_reasonable(const Shape& shape);

/// NumPy's broadcasting of two shapes; throws InvalidInput where they do not agree.
Shape broadcast_shapes(const Shape& a, const Shape& b);

/// The batch, channel, height and width axes of a 4-D layout, and the out, in, height and width
/// axes of its weights: "nchw" and "nhwc" have OIHW, "nhwc_hwio" has HWIO.
struct Layout {
  int n, c, h, w;
  int weight_o, weight_i, weight_h, weight_w;
};
/// Throws InvalidInput for an unknown name.
const Layout& layout_of(const Attrs& attrs);

/// A matrix product; `leading` are the axes before the last two, those of the operands broadcast.
struct MatmulDims {
  int64_t rows, depth, cols;
  Shape leading, leading_a, leading_b;
};
MatmulDims matmul_dims(const Shape& a, const Shape& b, const Attrs& attrs);

/// All that a convolution is, whichever of its three ops a node is and whatever its layout.
struct ConvDims {
  int64_t n, c, h, w;  ///< x
  int64_t o, oh, ow;   ///< y
  int64_t kh, kw;
  int64_t stride_h, stride_w, pad_top, pad_left, pad_bottom, pad_right, dilation_h, dilation_w,
      groups;
  int64_t group_c() const { return c / groups; }  ///< input channels that an output channel reads
  int64_t group_o() const { return o / groups; }
};
ConvDims conv_dims(const Shape& x, const Shape& w, const Attrs& attrs);
/// The same of winograd_conv2d, whose second operand holds its filters at the points.
ConvDims winograd_dims(const Shape& x, const Shape& filter, const Attrs& attrs);

/// The same for pooling; c is untouched.
struct PoolDims {
  int64_t n, c, h, w, oh, ow, kh, kw;
  int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w;
};
PoolDims pool_dims(const Shape& x, const Attrs& attrs);

}  // namespace hone::ir

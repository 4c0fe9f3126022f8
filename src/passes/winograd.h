// 3x3 convolutions by Winograd's minimal filtering, where that costs less.
//
//   conv2d(x, w)  becomes  winograd_conv2d(x, winograd_filter(w))
//
// Sums of floats are taken in another order and at other points, so the pass is approximate: an
// output moves by about as much as the rounding of its own chain, which the family's test bounds
// (kernels/winograd/winograd_test.cc). Sums of bytes are exact either way.
#pragma once

#include "ir/infer.h"
#include "passes/pass.h"

namespace hone::passes {

/// The tile (2 or 4 outputs a side) of a convolution of 3x3 filters with stride 1: of those that
/// pay for many samples and cost a single one no more (or, of filters that change, clearly less),
/// that by which one of these and a single one together cost least; 0 where it is best computed
/// directly. It depends on the shape of a sample and the filters, and on whether these change, as
/// in training, so that each step has to transform them: never on the batch or the machine.
int64_t winograd_tile(const ir::ConvDims& dims, bool filters_change);

/// True if a convolution of `x`, u8 or i8, by i8 costs less by tiles of 2 at a level that
/// multiplies integers of 16 bits, and four times its sums are sure to fit i32.
bool winograd_of_bytes(const ir::ConvDims& dims, DType x);

/// Works on convolutions in NCHW of one group whose weight depends on no input: of f32, and of
/// bytes where the machine has no products of bytes.
ir::Graph winograd(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

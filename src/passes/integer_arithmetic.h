// Networks of 8 bits compute in 8 bits.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Between what dequantises bytes and what quantises numbers, computes with the bytes:
/// - a contraction of dequantised bytes, whose weight is a constant and symmetric, becomes the one
///   of the bytes, times a factor for each channel, its bias an integer (docs/numerics.md);
/// - a maximum, or a movement, of dequantised bytes is one of the bytes;
/// - quantising multiplies by the inverse of its scale, at once with such a factor, and cuts off
///   what a relu does; of what was dequantised alike it is nothing.
/// What it does not recognise stays as it is. Values differ by the roundings of f32 that go away,
/// and by those of a bias that was no integer: half a unit of the sum.
ir::Graph integer_arithmetic(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

// Folding: what follows a contraction channel by channel, above all a batch norm at inference, goes
// into the contraction's weight.
//
//   ((conv(x, w) - mean) * scale + offset  becomes  conv(x, w * scale) + (offset - mean * scale)
//
// The products are rounded elsewhere, so the pass is approximate: an output of K terms moves by at
// most about K roundings of its terms' magnitude, as much as its own chain of sums does.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Works on chains of add, sub, mul and div after conv2d and matmul, whose other operands depend on
/// constants and states only and are one number or one for each output channel. A chain that only
/// adds stays as it is.
ir::Graph fold_affine(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

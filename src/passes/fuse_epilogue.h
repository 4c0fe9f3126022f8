// Fusing what follows a contraction into it.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Elementwise nodes that only refine a contraction's result (bias, activation, residual, the mask
/// of a relu's gradient, a gradient step) become its `epilogue`, applied while the result is in
/// registers. The chain may be any graph that ends in one f32 value of the result's shape (for sums
/// of bytes: in f32 or bytes); nothing that somebody else reads is swallowed.
ir::Graph fuse_epilogue(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

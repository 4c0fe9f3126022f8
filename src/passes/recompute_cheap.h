// Keeping less of the forward part of a training step for its backward part.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Values below this are kept: they take no room, and a loop of their own would cost more.
inline constexpr int64_t kWorthRecomputing = int64_t{1} << 18;

/// What updates are computed from but outputs are not is the late part of a graph: of a training
/// step all that follows the loss. Where it reads a value that elementwise ops and movements make
/// of values that are there anyway (a batch norm's and its activation's result, of the convolution
/// before; weights in another order, of the weights), each of its nodes that reads the value gets
/// nodes of its own that compute it again. Only what they are made of is then kept in between, and
/// fusion makes one loop of a node and what it recomputes.
///
/// Later stages must not merge such nodes with those that they repeat.
ir::Graph recompute_cheap(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

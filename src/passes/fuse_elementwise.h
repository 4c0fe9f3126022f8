// Fusing elementwise nodes into loops.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Connected elementwise nodes of one loop shape become one `fused` node with a body; it gives
/// every value that is read outside (a whole optimiser step: parameter and moments). Nothing is
/// computed twice in a loop, no two loops come to wait for each other, and none computes large
/// values before the outputs that only updates need.
ir::Graph fuse_elementwise(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

// Constant weights lie in memory as the kernels read them.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Turns a constant that only contractions read, as their weight, to `unpack` of its panels
/// (ir/panels.h) at this machine's level, which the planner lets their kernels read. All programs
/// made of the graph share the panels, which take the constant's place in memory: each is given
/// back before the next one is packed.
ir::Graph pack_weights(ir::Graph&& graph, const PassContext& context);

}  // namespace hone::passes

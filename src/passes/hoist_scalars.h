// Scalars that depend on sources alone come first.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Moves the nodes of rank 0 that are computed from sources of rank 0 alone (a learning rate from
/// the step) to the front: what reads them can then run as soon as its large operands are there.
ir::Graph hoist_scalars(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

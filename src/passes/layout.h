// Images lie in memory as NHWC, whatever the user's graph says.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Turns convolutions and pools of layout "nchw" to "nhwc" (weights of bytes from OIHW to HWIO),
/// and all that lies between them, so that transposes remain only where a value really changes its
/// order: at weights, at the graph's inputs and outputs, and where a reshape flattens. The bits
/// stay: contractions and reductions keep their logical order. Leaves the clearing of cancelling
/// movements to `simplify`.
ir::Graph layout(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

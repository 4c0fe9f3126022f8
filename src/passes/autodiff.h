// Reverse-mode differentiation as a pass: a graph that computes a loss becomes one that also
// computes the loss's gradient with respect to every trainable state.
#pragma once

#include <string_view>

#include "ir/graph.h"

namespace hone::passes {

/// The graph with an output "grad/NAME" for each trainable state NAME, in the order of the states:
/// the gradient of the output `loss_output`, a float scalar. The gradient of a state that the loss
/// does not depend on is zeros.
///
/// Gradient nodes are appended only on paths from the loss to a trainable state. A value that is
/// read several times adds the gradients of its readers from the last reader to the first, and
/// within one reader by operand: ((last + ...) + first).
///
/// The nodes that take a gradient back through a node are named after it: "grad(conv1)", or by its
/// op if it has no name: "grad(relu)".
///
/// Throws InvalidInput where the loss is missing or no scalar, Unsupported where a path goes
/// through an op that has no gradient rule (differentiate before fusing).
ir::Graph differentiate(const ir::Graph& graph, std::string_view loss_output);

/// True for the names that `differentiate` gives to nodes.
inline bool is_gradient_name(std::string_view name) { return name.starts_with("grad("); }

}  // namespace hone::passes

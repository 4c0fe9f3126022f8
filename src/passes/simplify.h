// Simplification: dead code, common subexpressions, constants, and algebra that keeps every bit.
#pragma once

#include <variant>

#include "passes/pass.h"

namespace hone::passes {

ir::Graph simplify(const ir::Graph& graph, const PassContext& context);

/// What a node can be instead: nothing better, a value that exists, or another node.
using Replacement = std::variant<std::monostate, ir::ValueId, ir::Node>;

/// One step of algebra on `node`, whose operands are values of `graph` and whose (first) result has
/// type `type`. Every rule is exact in floating point: zeros keep their signs, NaNs stay NaNs,
/// nothing is reassociated. So x - 0 is x, but x + 0 is not (-0 + 0 is +0).
Replacement simplify_node(const ir::Graph& graph, const ir::Node& node, const TensorType& type);

}  // namespace hone::passes

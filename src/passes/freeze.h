// Freezing: a model that no longer learns. Its states become constants, which can be folded, packed
// and shared.
#pragma once

#include <map>
#include <string>

#include "ir/graph.h"

namespace hone::passes {

/// `graph` with each state replaced by its value, which is shared, and without updates. Throws
/// InvalidInput if a state has no value or one of another type.
ir::Graph freeze(const ir::Graph& graph, const std::map<std::string, Tensor>& states);

}  // namespace hone::passes

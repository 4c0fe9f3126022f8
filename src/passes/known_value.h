// What constants alone decide.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace hone::passes {

/// The contents of a value that only constants decide and that has no more than a layer's channels:
/// at most 2^16 elements, as has all that it is computed from.
std::optional<Tensor> known_value(const ir::Graph& graph, ir::ValueId v);
/// The one element of such a value of f32, if it has no more.
std::optional<float> known_number(const ir::Graph& graph, ir::ValueId v);

}  // namespace hone::passes

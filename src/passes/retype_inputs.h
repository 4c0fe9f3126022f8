// Pixels come as bytes: an input that is declared f32 may be given as u8, and is cast on entry.
#pragma once

#include <map>
#include <string>

#include "ir/graph.h"

namespace hone::passes {

/// `graph` with each f32 input that `types` gives as u8 declared so, and cast. Other differences
/// are left for who binds the shapes to refuse.
ir::Graph retype_inputs(const ir::Graph& graph, const std::map<std::string, TensorType>& types);

}  // namespace hone::passes

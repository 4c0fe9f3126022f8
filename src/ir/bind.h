// Binding a graph to a batch.
#pragma once

#include "ir/graph.h"

namespace hone::ir {

/// `graph` with `n` samples wherever its batch was symbolic: in the types of inputs and states and
/// in every attribute called "shape", regions included. All else is inferred again.
Graph bind_batch(const Graph& graph, int64_t n);

}  // namespace hone::ir

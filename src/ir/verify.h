// The specification of a graph as code: what must hold at each stage of its life.
#pragma once

#include "ir/graph.h"

namespace hone::ir {

enum class Level {
  imported,        ///< from a file or a user: no fused regions, epilogues or shards yet
  differentiated,  ///< with gradients and updates: sums over the batch may be sharded
  planned,         ///< lowered: static shapes only; regions and epilogues are allowed
};

/// Throws Internal, naming the graph and the node, where `graph` breaks a rule of `level`: nodes in
/// topological order, types as inference gives them, attributes that the op knows, names unique
/// among inputs, states and outputs, one update a state, regions of elementwise nodes.
void verify(const Graph& graph, Level level);

}  // namespace hone::ir

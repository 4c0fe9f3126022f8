// A graph as a picture: Graphviz's text.
#pragma once

#include <string>

#include "ir/graph.h"

namespace hone::ir {

/// A digraph with a box for each node but constants and states, and an edge for each value between
/// two boxes, labelled with its type.
std::string to_dot(const Graph& graph);

}  // namespace hone::ir

// How much work a graph is.
#pragma once

#include "ir/graph.h"

namespace hone::ir {

/// Floating-point operations of one run of a graph of static shapes: two for each multiply-add of a
/// contraction, one for each element that another op computes or reads to reduce. What is fused
/// into a node counts.
int64_t flops(const Graph& graph);
/// Of one of its nodes.
int64_t flops(const Graph& graph, const Node& node);

}  // namespace hone::ir

// Equality bit for bit of what a graph is made of, and a hash that agrees with it.
#pragma once

#include "ir/graph.h"

namespace hone::ir {

bool equal(const Attr& a, const Attr& b);
bool equal(const Attrs& a, const Attrs& b);
/// The same nodes in the same order with the same names, outputs and updates; graph names too.
bool equal(const Graph& a, const Graph& b);

/// A hash of a node's op, operands and attributes: nodes that compute the same hash alike.
size_t hash_of(const Node& node);

}  // namespace hone::ir

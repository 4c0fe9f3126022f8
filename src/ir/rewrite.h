// Rebuilding a graph: what every pass uses. A pass walks the old graph in order; each old value
// gets a new one, by copying its node, by making other nodes in `to()`, or by standing for a value
// that exists already. Names, outputs and updates follow.
#pragma once

#include "ir/graph.h"

namespace hone::ir {

class Rewriter {
 public:
  explicit Rewriter(const Graph& from);

  const Graph& from() const { return from_; }
  /// The graph being built.
  Graph& to() { return to_; }
  const Graph& to() const { return to_; }

  /// The new value of an old one, which must have one.
  ValueId operator()(ValueId old) const;
  std::vector<ValueId> operator()(const std::vector<ValueId>& old) const;
  bool has(ValueId old) const { return values_[static_cast<size_t>(old)] != kNoValue; }
  /// From now on, `old` is `now`.
  void replace(ValueId old, ValueId now) { values_[static_cast<size_t>(old)] = now; }
  /// The same for all results of a node, in order.
  void replace(const Node& old, const Node& now);

  /// Copies a node of the old graph, with its new operands and, where given, other attributes.
  NodeId copy(const Node& node) { return copy(node, node.attrs); }
  NodeId copy(const Node& node, Attrs attrs) {
    return copy(node, std::move(attrs), (*this)(node.operands));
  }
  /// The same with these operands, which are new values.
  NodeId copy(const Node& node, Attrs attrs, std::vector<ValueId> operands);

  /// Adds the old graph's outputs and updates; returns the new graph.
  Graph finish();

 private:
  const Graph& from_;
  Graph to_;
  std::vector<ValueId> values_;
};

/// Which values depend on no input: they are computed from constants and states, or drawn.
std::vector<bool> independent_of_inputs(const Graph& graph);

/// Which values some output is computed from, or is.
std::vector<bool> needed_by_outputs(const Graph& graph);
/// Which values some output or update is computed from, or is.
std::vector<bool> needed_by_results(const Graph& graph);

/// `graph` without the nodes that no output and no update needs. Inputs and states stay: they are
/// the graph's interface.
Graph without_dead_nodes(const Graph& graph);

}  // namespace hone::ir

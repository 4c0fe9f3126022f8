// Groups of nodes that may become one node each, without making a cycle.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "passes/body.h"

namespace hone::passes {

class Groups {
 public:
  Groups(const ir::Graph& graph, const Uses& uses);

  static constexpr int kNone = -1;
  /// The group of a node, or kNone.
  int of(ir::NodeId node) const { return group_[static_cast<size_t>(node)]; }
  /// A group's nodes in order; empty if it was merged away or dissolved.
  const std::vector<ir::NodeId>& nodes(int group) const {
    return nodes_[static_cast<size_t>(group)];
  }
  int size() const { return static_cast<int>(nodes_.size()); }

  /// Starts a group with `node`, the last node so far: nodes come in order.
  int start(ir::NodeId node);
  /// Makes one group of two, unless a path that leaves the two comes back to them: then as one node
  /// it would wait for itself. Returns whether it did; the group is then `into`.
  bool merge(int into, int from);
  /// Its nodes are on their own again.
  void dissolve(int group);

 private:
  bool path_returns(int a, int b);

  const ir::Graph& graph_;
  const Uses& uses_;
  std::vector<int> group_;
  std::vector<std::vector<ir::NodeId>> nodes_;
  ir::NodeId last_ = 0;       // the last node that was put into a group
  std::vector<int> visited_;  // by node: the number of the search that saw it
  int search_ = 0;
};

}  // namespace hone::passes

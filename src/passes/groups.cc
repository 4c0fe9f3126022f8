// Merging groups and searching for the paths that forbid it.
#include "passes/groups.h"

#include <algorithm>

namespace hone::passes {

using ir::NodeId;
using ir::ValueId;

Groups::Groups(const ir::Graph& graph, const Uses& uses)
    : graph_(graph),
      uses_(uses),
      group_(graph.nodes().size(), kNone),
      visited_(graph.nodes().size(), 0) {}

int Groups::start(NodeId node) {
  const int group = size();
  nodes_.push_back({node});
  group_[static_cast<size_t>(node)] = group;
  last_ = node;
  return group;
}

bool Groups::merge(int into, int from) {
  if (path_returns(into, from)) return false;
  std::vector<NodeId> all;
  std::vector<NodeId>& moved = nodes_[static_cast<size_t>(from)];
  std::vector<NodeId>& kept = nodes_[static_cast<size_t>(into)];
  std::merge(kept.begin(), kept.end(), moved.begin(), moved.end(), std::back_inserter(all));
  for (NodeId n : moved) group_[static_cast<size_t>(n)] = into;
  moved.clear();
  kept = std::move(all);
  return true;
}

void Groups::dissolve(int group) {
  for (NodeId n : nodes_[static_cast<size_t>(group)]) group_[static_cast<size_t>(n)] = kNone;
  nodes_[static_cast<size_t>(group)].clear();
}

// Walks forward from the readers of both groups, taking a group that is met as a whole. Edges lead
// to later nodes and no group reaches beyond `last_`, so that the walk may stop there.
bool Groups::path_returns(int a, int b) {
  ++search_;
  std::vector<NodeId> open;
  const auto leave = [&](NodeId node) {
    for (ValueId v : graph_.node(node).results)
      for (NodeId reader : uses_.nodes(v)) open.push_back(reader);
  };
  for (int group : {a, b})
    for (NodeId node : nodes(group)) leave(node);
  const size_t direct = open.size();
  for (size_t i = 0; i < open.size(); ++i) {
    const NodeId node = open[i];
    if (node > last_) continue;
    const int group = of(node);
    if (group == a || group == b) {
      if (i < direct) continue;  // an edge inside
      return true;
    }
    int& seen = visited_[static_cast<size_t>(node)];
    if (seen == search_) continue;
    if (group == kNone) {
      seen = search_;
      leave(node);
      continue;
    }
    for (NodeId member : nodes(group)) {
      visited_[static_cast<size_t>(member)] = search_;
      leave(member);
    }
  }
  return false;
}

}  // namespace hone::passes

// Rebuilding a graph.
#include "ir/rewrite.h"

#include <algorithm>

#include "base/error.h"

namespace hone::ir {

Rewriter::Rewriter(const Graph& from)
    : from_(from), to_(from.name()), values_(from.values().size(), kNoValue) {}

ValueId Rewriter::operator()(ValueId old) const {
  const ValueId now = values_[static_cast<size_t>(old)];
  invariant(now != kNoValue, "graph '{}': %{} was dropped but is still read", from_.name(), old);
  return now;
}

std::vector<ValueId> Rewriter::operator()(const std::vector<ValueId>& old) const {
  std::vector<ValueId> now;
  now.reserve(old.size());
  for (ValueId v : old) now.push_back((*this)(v));
  return now;
}

void Rewriter::replace(const Node& old, const Node& now) {
  for (size_t i = 0; i < old.results.size(); ++i) replace(old.results[i], now.results[i]);
}

NodeId Rewriter::copy(const Node& node, Attrs attrs, std::vector<ValueId> operands) {
  const NodeId now = to_.append(*node.op, std::move(operands), std::move(attrs), node.name);
  replace(node, to_.node(now));
  return now;
}

Graph Rewriter::finish() {
  for (const Output& o : from_.outputs()) to_.output(o.name, (*this)(o.value));
  for (const Update& u : from_.updates()) to_.update((*this)(u.state), (*this)(u.value));
  return std::move(to_);
}

std::vector<bool> independent_of_inputs(const Graph& graph) {
  std::vector<bool> out(graph.values().size(), false);
  for (const Node& node : graph.nodes()) {
    const bool all =
        !node.is(op::input) && std::all_of(node.operands.begin(), node.operands.end(),
                                           [&](ValueId v) { return out[static_cast<size_t>(v)]; });
    for (ValueId v : node.results) out[static_cast<size_t>(v)] = all;
  }
  return out;
}

namespace {

/// Marks what the nodes of the marked values are computed from.
void mark_operands(const Graph& graph, std::vector<bool>& marked) {
  const auto is_marked = [&](ValueId v) { return marked[static_cast<size_t>(v)]; };
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    if (std::any_of(node.results.begin(), node.results.end(), is_marked))
      for (ValueId v : node.operands) marked[static_cast<size_t>(v)] = true;
  }
}

}  // namespace

std::vector<bool> needed_by_outputs(const Graph& graph) {
  std::vector<bool> needed(graph.values().size(), false);
  for (const Output& o : graph.outputs()) needed[static_cast<size_t>(o.value)] = true;
  mark_operands(graph, needed);
  return needed;
}

std::vector<bool> needed_by_results(const Graph& graph) {
  std::vector<bool> needed(graph.values().size(), false);
  for (const Output& o : graph.outputs()) needed[static_cast<size_t>(o.value)] = true;
  for (const Update& u : graph.updates()) needed[static_cast<size_t>(u.value)] = true;
  mark_operands(graph, needed);
  return needed;
}

Graph without_dead_nodes(const Graph& graph) {
  const std::vector<bool> live = needed_by_results(graph);
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes())
    if (node.is(op::input) || node.is(op::state) ||
        std::any_of(node.results.begin(), node.results.end(),
                    [&](ValueId v) { return live[static_cast<size_t>(v)]; }))
      rewriter.copy(node);
  return rewriter.finish();
}

}  // namespace hone::ir

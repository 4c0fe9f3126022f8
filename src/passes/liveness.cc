// One sweep for the spans of values, and one that adds them up.
#include "passes/liveness.h"

#include <algorithm>

namespace hone::passes {

using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

Liveness::Liveness(const Graph& graph)
    : base_(graph.values().size()), spans_(graph.values().size()) {
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto id = static_cast<NodeId>(i);
    const bool is_view = node.is(ir::op::reshape);
    for (ValueId v : node.operands) {
      if (is_view) continue;
      Span& read = spans_[static_cast<size_t>(base_[static_cast<size_t>(v)])];
      read.last = id;
      if (read.readers.empty() || read.readers.back() != id) read.readers.push_back(id);
    }
    for (ValueId v : node.results) {
      base_[static_cast<size_t>(v)] = is_view ? base_[static_cast<size_t>(node.operands[0])] : v;
      const bool is_source = node.op->op_class == ir::OpClass::source;
      const int64_t bytes = is_source || is_view ? 0 : graph.type(v).bytes();
      spans_[static_cast<size_t>(v)] = {id, id, bytes, is_source, {}};
    }
  }
  const auto has_its_own = [&](ValueId v) {
    spans_[static_cast<size_t>(base_[static_cast<size_t>(v)])].bytes = 0;
  };
  for (const ir::Output& o : graph.outputs()) has_its_own(o.value);
  for (const ir::Update& u : graph.updates()) has_its_own(u.value);
  add_up(graph);
}

// What an elementwise node writes over operands that nobody reads later.
int64_t Liveness::taken_over(const Graph& graph, NodeId id) const {
  const Node& node = graph.node(id);
  if (node.op->op_class != ir::OpClass::elementwise) return 0;
  std::vector<int64_t> dying;
  for (ValueId v : node.operands)
    if (const Span& s = span(v); s.bytes > 0 && s.last == id) dying.push_back(s.bytes);
  int64_t bytes = 0;
  for (ValueId v : node.results) {
    const auto found = std::ranges::find_if(dying, [&](int64_t b) { return b >= span(v).bytes; });
    if (found == dying.end()) continue;
    dying.erase(found);
    bytes += span(v).bytes;
  }
  return bytes;
}

void Liveness::add_up(const Graph& graph) {
  std::vector<int64_t> change(graph.nodes().size() + 1, 0);
  for (const Span& s : spans_) {
    change[static_cast<size_t>(s.first)] += s.bytes;
    change[static_cast<size_t>(s.last) + 1] -= s.bytes;
  }
  int64_t now = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    now += change[i];
    const auto id = static_cast<NodeId>(i);
    const int64_t here = now - taken_over(graph, id);
    if (here > peak_) {
      peak_ = here;
      peak_at_ = id;
      peaks_ = 0;
    }
    peaks_ += here == peak_;
  }
}

}  // namespace hone::passes

// A greedy search. Each round looks at the peak, tries the idle values there, best first, and takes
// the first that lowers it; a round that finds none ends the search.
#include "passes/recompute.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "ir/cost.h"
#include "ir/rewrite.h"
#include "passes/body.h"
#include "passes/liveness.h"

namespace hone::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

constexpr size_t kMaxNodes = 64;       // computed again for one value
constexpr int64_t kMostWork = 2;       // of the graph's own: beyond, the search has lost its way
constexpr int64_t kFlopsPerByte = 16;  // what a machine computes while it moves a byte

/// Nodes to compute again before node `place`, in order.
struct Candidate {
  NodeId place;
  std::vector<NodeId> nodes;
  double saving;  // bytes for a unit of work
};

/// A graph with what each of its values repeats.
struct Version {
  Version(Graph g, std::vector<ValueId> o)
      : graph(std::move(g)), origin(std::move(o)), liveness(graph) {}
  Graph graph;
  std::vector<ValueId> origin;  // by value: the same for all that are equal
  Liveness liveness;

  bool better_than(const Version& other) const {
    return std::pair(liveness.peak(), liveness.peaks()) <
           std::pair(other.liveness.peak(), other.liveness.peaks());
  }
};

/// Finds what computes a value again.
class Chain {
 public:
  Chain(const Version& version, NodeId place)
      : graph_(version.graph), live_(version.liveness), candidate_{place, {}, 0} {}

  /// What computes `v` again; nothing if it is too much. What is there at the place, or takes room
  /// at the peak anyway, is read.
  std::optional<Candidate> of(ValueId v) {
    if (!add(v)) return std::nullopt;
    double cost = 0;
    for (NodeId n : candidate_.nodes) cost += work(graph_, n);
    candidate_.saving = static_cast<double>(live_.bytes(v)) / cost;
    return std::move(candidate_);
  }

 private:
  bool add(ValueId v) {
    const NodeId id = graph_.value(v).node;
    if (std::ranges::find(candidate_.nodes, id) != candidate_.nodes.end()) return true;
    for (ValueId operand : graph_.node(id).operands)
      if (!live_.is_there(operand, candidate_.place) && !live_.is_there(operand, live_.peak_at()) &&
          !add(operand))
        return false;
    candidate_.nodes.push_back(id);
    return candidate_.nodes.size() <= kMaxNodes;
  }

  static double work(const Graph& graph, NodeId id) {
    const Node& node = graph.node(id);
    int64_t moved = 0;
    for (ValueId v : node.operands) moved += graph.type(v).bytes();
    for (ValueId v : node.results) moved += graph.type(v).bytes();
    return static_cast<double>(ir::flops(graph, node) + kFlopsPerByte * moved);
  }

  const Graph& graph_;
  const Liveness& live_;
  Candidate candidate_;
};

/// Values that are in memory at the peak and not read there, the most rewarding first.
std::vector<Candidate> candidates(const Version& version) {
  const auto& [graph, origin, live] = version;
  const NodeId peak = live.peak_at();
  std::vector<Candidate> out;
  for (size_t i = 0; i < graph.values().size(); ++i) {
    const auto v = static_cast<ValueId>(i);
    const NodeId producer = graph.value(v).node;
    if (live.bytes(v) == 0 || graph.node(producer).is(ir::op::reshape)) continue;
    if (producer > peak || !live.is_there(v, peak)) continue;
    const auto next = std::ranges::lower_bound(live.readers(v), peak);
    if (next == live.readers(v).end() || *next == peak) continue;
    if (auto candidate = Chain(version, *next).of(v)) out.push_back(*std::move(candidate));
  }
  std::ranges::stable_sort(out, std::greater(), &Candidate::saving);
  return out;
}

/// What results need, with the origins of what is left.
Version cleared(const Graph& graph, const std::vector<ValueId>& origin) {
  const std::vector<bool> needed = ir::needed_by_results(graph);
  ir::Rewriter rewriter(graph);
  std::vector<ValueId> origins;
  for (const Node& node : graph.nodes()) {
    std::vector<bool> kept;
    for (ValueId v : node.results) kept.push_back(needed[static_cast<size_t>(v)]);
    const auto count = std::ranges::count(kept, true);
    if (count == 0 && node.op->op_class != ir::OpClass::source) continue;
    if (node.is(ir::op::fused) && count < std::ssize(kept)) {
      Body body = narrowed(node, kept);
      const NodeId now = rewriter.to().append(ir::op::fused, rewriter(body.operands),
                                              {{"body", std::move(body.region)}}, node.name);
      auto result = rewriter.to().node(now).results.begin();
      for (size_t i = 0; i < kept.size(); ++i)
        if (kept[i]) rewriter.replace(node.results[i], *result++);
    } else {
      rewriter.copy(node);
      kept.assign(kept.size(), true);
    }
    for (size_t i = 0; i < kept.size(); ++i)
      if (kept[i]) origins.push_back(origin[static_cast<size_t>(node.results[i])]);
  }
  return Version(rewriter.finish(), std::move(origins));
}

/// The graph with a candidate's nodes again before its place. From there on all read what these
/// give, instead of the values that they repeat and, with `shares`, of all others that are equal.
Version with(const Version& version, const Candidate& candidate, bool shares) {
  const Graph& graph = version.graph;
  const std::vector<ValueId>& origin = version.origin;
  ir::Rewriter rewriter(graph);
  std::vector<ValueId> origins;
  const auto origin_of = [&](ValueId v) { return origin[static_cast<size_t>(v)]; };
  const auto append = [&](const Node& node) {
    rewriter.copy(node);
    for (ValueId v : node.results) origins.push_back(origin_of(v));
  };
  std::map<ValueId, ValueId> again;
  const auto key = [&](ValueId v) { return shares ? origin_of(v) : v; };
  const auto redirect = [&](ValueId v) {
    if (const auto found = again.find(key(v)); found != again.end())
      rewriter.replace(v, found->second);
  };
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (static_cast<NodeId>(i) == candidate.place) {
      for (NodeId id : candidate.nodes) append(graph.node(id));
      for (NodeId id : candidate.nodes)
        for (ValueId v : graph.node(id).results) again[key(v)] = rewriter(v);
      for (size_t v = 0; v < origin.size(); ++v) redirect(static_cast<ValueId>(v));
    }
    append(graph.nodes()[i]);
    for (ValueId v : graph.nodes()[i].results) redirect(v);
  }
  return cleared(rewriter.finish(), origins);
}

/// A version that is better by one candidate, or nothing.
std::optional<Version> improved(const Version& version) {
  for (const Candidate& candidate : candidates(version)) {
    for (const bool shares : {true, false})
      if (Version next = with(version, candidate, shares); next.better_than(version)) return next;
  }
  return std::nullopt;
}

}  // namespace

Graph recompute(const Graph& graph, int64_t bytes) {
  std::vector<ValueId> same(graph.values().size());
  std::iota(same.begin(), same.end(), 0);
  Version best(graph, std::move(same));
  const int64_t most_flops = kMostWork * ir::flops(graph);
  while (best.liveness.peak() > bytes) {
    std::optional<Version> next = improved(best);
    if (!next || ir::flops(next->graph) > most_flops) break;
    best = *std::move(next);
  }
  return std::move(best.graph);
}

}  // namespace hone::passes

// Each node joins the groups of its operands where loop shapes agree and no cycle comes of it; then
// groups are emitted as fused nodes. A group stands where its last node stood, or earlier if
// somebody needs it; one that only updates states comes as soon as it can, which frees its
// operands, but after the states' other readers, so that it can work in place.
#include "passes/fuse_elementwise.h"

#include <algorithm>
#include <map>
#include <set>

#include "ir/rewrite.h"
#include "kernels/eltwise/tile_program.h"
#include "passes/body.h"
#include "passes/groups.h"
#include "passes/recompute_cheap.h"

namespace hone::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

class ElementwiseFuser {
 public:
  explicit ElementwiseFuser(const Graph& graph)
      : graph_(graph),
        uses_(graph),
        early_(ir::needed_by_outputs(graph)),
        groups_(graph, uses_),
        rewriter_(graph) {
    for (const ir::Update& u : graph.updates()) updated_[u.value].push_back(u.state);
  }

  Graph run() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) join(static_cast<NodeId>(i));
    for (int g = 0; g < groups_.size(); ++g) make_loop(g);
    find_updaters();
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const NodeId id = static_cast<NodeId>(i);
      const int group = groups_.of(id);
      if (group == Groups::kNone || groups_.nodes(group).back() == id) emit(id);
    }
    return ir::without_dead_nodes(rewriter_.finish());  // constants that went inside
  }

 private:
  const Shape& loop_of(NodeId id) const { return graph_.shape(graph_.node(id).results[0]); }

  bool can_fuse(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!fits_body(graph_, node, loop_of(id))) return false;
    const Body alone = make_body(graph_, {&id, 1}, node.results);
    return kernels::TileProgram::refuse(*alone.region).empty();
  }

  void join(NodeId id) {
    if (!can_fuse(id)) return;
    const int mine = groups_.start(id);
    for (ValueId v : graph_.node(id).operands) {
      const NodeId producer = graph_.value(v).node;
      const int theirs = groups_.of(producer);
      if (theirs == Groups::kNone || theirs == mine || loop_of(producer) != loop_of(id)) continue;
      if (would_wait(v, id)) continue;
      if (groups_.nodes(mine).size() + groups_.nodes(theirs).size() <= kMaxBodyNodes)
        groups_.merge(mine, theirs);
    }
  }

  /// A loop that computes large values of the late part early keeps them for a long while.
  bool would_wait(ValueId v, NodeId reader) const {
    return early_[static_cast<size_t>(v)] &&
           !early_[static_cast<size_t>(graph_.node(reader).results[0])] &&
           graph_.type(v).bytes() >= kWorthRecomputing;
  }

  bool read_outside(ValueId v, int group) const {
    const std::vector<NodeId>& readers = uses_.nodes(v);
    return std::any_of(readers.begin(), readers.end(),
                       [&](NodeId reader) { return groups_.of(reader) != group; });
  }

  std::vector<ValueId> results_of(int group) const {
    std::vector<ValueId> results;
    for (NodeId n : groups_.nodes(group)) {
      const ValueId v = graph_.node(n).results[0];
      if (read_outside(v, group) || uses_.results(v) > 0) results.push_back(v);
    }
    return results;
  }

  /// Makes the group's body, or dissolves the group where there is nothing to fuse.
  void make_loop(int group) {
    loops_.emplace_back();
    Loop& loop = loops_.back();
    if (groups_.nodes(group).size() >= 2) {
      loop.results = results_of(group);
      if (!loop.results.empty()) loop.body = make_body(graph_, groups_.nodes(group), loop.results);
    }
    if (loop.body.region == nullptr || !kernels::TileProgram::refuse(*loop.body.region).empty())
      groups_.dissolve(group);
  }

  /// Groups whose results only update states wait for their operands and the states' readers.
  void find_updaters() {
    waiting_.resize(graph_.nodes().size());
    for (int g = 0; g < groups_.size(); ++g) {
      Loop& loop = loops_[static_cast<size_t>(g)];
      if (groups_.nodes(g).empty()) continue;
      const bool only_updates =
          std::all_of(loop.results.begin(), loop.results.end(),
                      [&](ValueId v) { return !read_outside(v, g) && updated_.contains(v); });
      if (!only_updates) continue;
      std::set<NodeId> needed;
      for (ValueId v : loop.body.operands) needed.insert(graph_.value(v).node);
      for (ValueId v : loop.results)
        for (ValueId state : updated_.at(v))
          for (NodeId reader : uses_.nodes(state))
            if (groups_.of(reader) != g) needed.insert(reader);
      loop.unmet = static_cast<int>(needed.size());
      for (NodeId n : needed) waiting_[static_cast<size_t>(n)].push_back(g);
    }
  }

  bool emitted(NodeId id) const { return rewriter_.has(loop_result(id)); }
  ValueId loop_result(NodeId id) const {
    const int group = groups_.of(id);
    return group == Groups::kNone ? graph_.node(id).results[0]
                                  : loops_[static_cast<size_t>(group)].results[0];
  }

  const std::vector<ValueId>& operands_of(NodeId id) const {
    const int group = groups_.of(id);
    return group == Groups::kNone ? graph_.node(id).operands
                                  : loops_[static_cast<size_t>(group)].body.operands;
  }

  /// Emits the node or its group, and before it what it needs.
  void emit(NodeId wanted) {
    std::vector<NodeId> open = {wanted};
    while (!open.empty()) {
      const NodeId id = open.back();
      if (emitted(id)) {
        open.pop_back();
        continue;
      }
      const size_t ready = open.size();
      for (ValueId v : operands_of(id))
        if (const NodeId producer = graph_.value(v).node; !emitted(producer))
          open.push_back(producer);
      if (open.size() > ready) continue;
      open.pop_back();
      append(id);
      for (int g : met_by(id)) open.push_back(groups_.nodes(g).front());
    }
  }

  void append(NodeId id) {
    const int group = groups_.of(id);
    if (group == Groups::kNone) {
      rewriter_.copy(graph_.node(id));
      return;
    }
    const Loop& loop = loops_[static_cast<size_t>(group)];
    const NodeId now = rewriter_.to().append(ir::op::fused, rewriter_(loop.body.operands),
                                             {{"body", loop.body.region}},
                                             name_of_fused(graph_, groups_.nodes(group)));
    for (size_t i = 0; i < loop.results.size(); ++i)
      rewriter_.replace(loop.results[i], rewriter_.to().node(now).results[i]);
  }

  /// The updating groups that have waited for nothing but this node or its group.
  std::vector<int> met_by(NodeId id) {
    std::vector<int> met;
    const auto meet = [&](NodeId n) {
      for (int g : waiting_[static_cast<size_t>(n)])
        if (--loops_[static_cast<size_t>(g)].unmet == 0) met.push_back(g);
    };
    const int group = groups_.of(id);
    if (group == Groups::kNone) meet(id);
    else
      for (NodeId n : groups_.nodes(group)) meet(n);
    return met;
  }

  struct Loop {
    Body body;
    std::vector<ValueId> results;
    int unmet = 0;  // nodes that an updating group still waits for
  };

  const Graph& graph_;
  const Uses uses_;
  const std::vector<bool> early_;  // by value: the outputs need it
  Groups groups_;
  ir::Rewriter rewriter_;
  std::map<ValueId, std::vector<ValueId>> updated_;  // the states of which a value is the next one
  std::vector<Loop> loops_;                          // by group
  std::vector<std::vector<int>> waiting_;  // by node: the updating groups that wait for it
};

}  // namespace

Graph fuse_elementwise(const Graph& graph, const PassContext&) {
  return ElementwiseFuser(graph).run();
}

}  // namespace hone::passes

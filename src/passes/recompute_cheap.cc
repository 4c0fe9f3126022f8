// One sweep over the early part decides which values are kept, a second one rebuilds the graph.
#include "passes/recompute_cheap.h"

#include <algorithm>
#include <map>
#include <set>

#include "ir/rewrite.h"
#include "passes/body.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

// How much may be read for one value, and done: a batch norm, an activation and a residual sum.
constexpr size_t kMaxRoots = 2, kMaxNodes = 16;

class CheapRecomputer {
 public:
  explicit CheapRecomputer(const Graph& graph)
      : graph_(graph),
        uses_(graph),
        early_(ir::needed_by_outputs(graph)),
        plans_(graph.values().size()),
        rewriter_(graph) {}

  Graph run() {
    for (const Node& node : graph_.nodes())
      if (is_early(node)) decide(node);
    for (const Node& node : graph_.nodes()) {
      if (is_early(node)) rewriter_.copy(node);
      else copy_late(node);
    }
    return rewriter_.finish();
  }

 private:
  /// How a value is had once more: from `roots`, which are kept, by so many nodes.
  struct Plan {
    bool kept = false;
    bool cheap = false;  // else it is its own root
    bool dropped = false;
    std::set<ValueId> roots;
    size_t nodes = 0;
  };
  Plan& plan(ValueId v) { return plans_[static_cast<size_t>(v)]; }

  bool is_early(const Node& node) const {
    return node.op->op_class == ir::OpClass::source || early_[static_cast<size_t>(node.results[0])];
  }
  bool is_early(NodeId id) const { return is_early(graph_.node(id)); }
  bool is_small(ValueId v) const { return graph_.type(v).bytes() < kWorthRecomputing; }

  /// A power is computed in binary64, which is not cheap.
  static bool is_cheap(const Node& node) {
    return (node.op->op_class == ir::OpClass::elementwise && !node.is(op::pow)) ||
           node.is(op::transpose) || node.is(op::reshape);
  }

  bool read_late(ValueId v) const {
    return std::ranges::any_of(uses_.nodes(v), [&](NodeId reader) { return !is_early(reader); });
  }

  // A loop that nobody else interrupts may never write what it passes on: keeping it costs a write.
  bool is_written(ValueId v) const {
    return std::ranges::any_of(uses_.nodes(v),
                               [&](NodeId reader) { return !is_cheap(graph_.node(reader)); });
  }

  void decide(const Node& node) {
    for (ValueId v : node.results) {
      if (node.op->op_class == ir::OpClass::source) plan(v).kept = true;
      else if (is_cheap(node)) trace(v);
      if (is_small(v) || !read_late(v)) continue;
      if (plan(v).cheap && pays(v)) {
        plan(v).dropped = true;
        for (ValueId root : plan(v).roots) plan(root).kept = true;
      } else {
        plan(v).kept = true;
      }
    }
  }

  void trace(ValueId v) {
    Plan& mine = plan(v);
    mine.nodes = 1;
    for (ValueId operand : graph_.producer(v).operands) {
      if (is_small(operand)) continue;
      const Plan& theirs = plan(operand);
      if (theirs.kept || !theirs.cheap) {
        mine.roots.insert(operand);
        continue;
      }
      mine.roots.insert(theirs.roots.begin(), theirs.roots.end());
      mine.nodes += theirs.nodes;
    }
    mine.cheap = mine.roots.size() <= kMaxRoots && mine.nodes <= kMaxNodes;
  }

  /// True if what must be kept on account of dropping `v` takes no more room than `v`.
  bool pays(ValueId v) {
    int64_t bytes = 0;
    for (ValueId root : plan(v).roots) {
      if (plan(root).kept) continue;
      if (!is_written(root)) return false;
      bytes += graph_.type(root).bytes();
    }
    return bytes <= graph_.type(v).bytes();
  }

  /// What one late node has computed again.
  using Again = std::map<ValueId, ValueId>;

  void copy_late(const Node& node) {
    Again again;
    std::vector<ValueId> operands;
    for (ValueId v : node.operands)
      operands.push_back(plan(v).dropped ? compute(v, again) : rewriter_(v));
    rewriter_.copy(node, node.attrs, std::move(operands));
  }

  ValueId compute(ValueId v, Again& again) {
    if (const auto found = again.find(v); found != again.end()) return found->second;
    const Node& node = graph_.producer(v);
    std::vector<ValueId> operands;
    for (ValueId operand : node.operands)
      operands.push_back(plan(operand).kept || is_small(operand) ? rewriter_(operand)
                                                                 : compute(operand, again));
    return again[v] = rewriter_.to().add(*node.op, std::move(operands), node.attrs, node.name);
  }

  const Graph& graph_;
  const Uses uses_;
  const std::vector<bool> early_;
  std::vector<Plan> plans_;  // by value
  ir::Rewriter rewriter_;
};

}  // namespace

Graph recompute_cheap(const Graph& graph, const PassContext&) {
  return CheapRecomputer(graph).run();
}

}  // namespace hone::passes

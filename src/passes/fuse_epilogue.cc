// From each contraction the region of its readers grows in topological order. Wherever all that is
// read outside the region is one value, the region can end; the longest end that the tile program
// takes is fused.
#include "passes/fuse_epilogue.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/dtype.h"
#include "ir/rewrite.h"
#include "kernels/eltwise/tile_program.h"
#include "passes/body.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

class EpilogueFuser {
 public:
  explicit EpilogueFuser(const Graph& graph)
      : graph_(graph),
        uses_(graph),
        finishes_sums_(graph.nodes().size(), false),
        fused_(graph.nodes().size(), false) {
    for (size_t i = 0; i < graph.nodes().size(); ++i) {
      const Node& node = graph.nodes()[i];
      if (node.operands.empty() || node.results.empty()) continue;
      finishes_sums_[i] =
          fits_body(graph, node, graph.shape(node.results[0])) &&
          std::ranges::any_of(node.operands, [&](ValueId v) { return holds_sums(v); });
    }
  }

  Graph run() {
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      const NodeId id = static_cast<NodeId>(i);
      const Node& node = graph_.node(id);
      if (node.op->op_class == ir::OpClass::contraction && !node.attrs.has("epilogue")) fuse(id);
    }
    return rebuild();
  }

 private:
  /// A contraction with its epilogue, and the value that takes the place of their results.
  struct Fusion {
    NodeId contraction;
    Body body;
    ValueId result;
  };

  /// Nodes in order, and the one of their values that is read outside.
  struct Region {
    std::vector<NodeId> nodes;
    ValueId result;
  };

  bool absorbable(NodeId id, const Shape& loop) const {
    return !fused_[static_cast<size_t>(id)] && fits_body(graph_, graph_.node(id), loop);
  }

  void fuse(NodeId contraction) {
    const ValueId acc = graph_.node(contraction).results[0];
    const DType sums = graph_.type(acc).dtype;
    if (sums != DType::f32 && !sums_bytes(graph_.node(contraction))) return;
    std::vector<Region> ends = grow(acc);
    for (Region& region : ends) {
      absorb_producers(region, graph_.shape(acc));
      if (region.nodes.size() > kMaxBodyNodes) continue;
      Body body = make_body(graph_, region.nodes, {&region.result, 1}, acc);
      if (!kernels::TileProgram::refuse_epilogue(*body.region).empty()) continue;
      fused_[static_cast<size_t>(contraction)] = true;
      for (NodeId n : region.nodes) fused_[static_cast<size_t>(n)] = true;
      const NodeId place = place_of(contraction, region, body);
      fusions_[place].push_back({contraction, std::move(body), region.result});
      return;
    }
  }

  /// True of sums of bytes and of what is made of them, until that is bytes again.
  bool holds_sums(ValueId v) const {
    const NodeId producer = graph_.value(v).node;
    const Node& node = graph_.node(producer);
    if (node.op->op_class == ir::OpClass::contraction) return graph_.type(v).dtype == DType::i32;
    return finishes_sums_[static_cast<size_t>(producer)] && !is_byte(graph_.type(v).dtype);
  }

  bool sums_bytes(const Node& node) const { return is_byte(graph_.type(node.operands[0]).dtype); }

  /// True if kernels whose sums are of one dtype write results of another: those of f32 are in
  /// place, those of bytes have memory of their own.
  static bool can_give(DType sums, DType result) {
    return result == DType::f32 || (sums == DType::i32 && is_byte(result));
  }

  /// Every region of `acc`'s readers that can end, longest first.
  std::vector<Region> grow(ValueId acc) const {
    std::vector<Region> ends;
    std::vector<NodeId> nodes;
    std::map<ValueId, int> unread = {{acc, uses_.count(acc)}};  // reads from outside the region
    std::set<NodeId> next(uses_.nodes(acc).begin(), uses_.nodes(acc).end());
    while (!next.empty() && nodes.size() < kMaxBodyNodes) {
      const NodeId id = *next.begin();
      next.erase(next.begin());
      if (!absorbable(id, graph_.shape(acc))) break;
      const Node& node = graph_.node(id);
      for (ValueId v : node.operands)
        if (const auto inside = unread.find(v); inside != unread.end() && --inside->second == 0)
          unread.erase(inside);
      const ValueId result = node.results[0];
      unread[result] = uses_.count(result);
      next.insert(uses_.nodes(result).begin(), uses_.nodes(result).end());
      nodes.push_back(id);
      if (unread.size() == 1 && can_give(graph_.type(acc).dtype, graph_.type(result).dtype))
        ends.push_back({nodes, result});
    }
    std::reverse(ends.begin(), ends.end());
    return ends;
  }

  /// Adds the elementwise nodes that only the region reads. What makes bytes of another
  /// contraction's sums is left to that one, since sums are four times as large.
  void absorb_producers(Region& region, const Shape& loop) const {
    std::set<NodeId> inside(region.nodes.begin(), region.nodes.end());
    std::map<ValueId, int> reads;
    std::set<NodeId> open = inside;  // in falling order: readers before what they read
    while (!open.empty()) {
      const NodeId id = *open.rbegin();
      open.erase(id);
      const Node& node = graph_.node(id);
      if (!inside.contains(id)) {
        const ValueId v = node.results[0];
        if (!absorbable(id, loop) || finishes_sums_[static_cast<size_t>(id)] ||
            reads[v] != uses_.count(v))
          continue;
        inside.insert(id);
      }
      for (ValueId v : node.operands) {
        ++reads[v];
        open.insert(graph_.value(v).node);
      }
    }
    region.nodes.assign(inside.begin(), inside.end());
  }

  /// The node after which the fusion stands: the contraction, or the last that it needs. If it is a
  /// state's next value, it waits for the readers of the state, so that it can be written in place.
  NodeId place_of(NodeId contraction, const Region& region, const Body& body) const {
    NodeId place = contraction;
    for (size_t i = 1; i < body.operands.size(); ++i)
      place = std::max(place, graph_.value(body.operands[i]).node);
    for (const ir::Update& u : graph_.updates())
      if (u.value == region.result)
        for (NodeId reader : uses_.nodes(u.state))
          if (!std::binary_search(region.nodes.begin(), region.nodes.end(), reader))
            place = std::max(place, reader);
    return std::min(place, graph_.value(region.result).node);
  }

  Graph rebuild() {
    ir::Rewriter rewriter(graph_);
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      if (!fused_[i]) rewriter.copy(graph_.nodes()[i]);
      const auto here = fusions_.find(static_cast<NodeId>(i));
      if (here == fusions_.end()) continue;
      std::sort(here->second.begin(), here->second.end(),
                [](const Fusion& a, const Fusion& b) { return a.result < b.result; });
      for (const Fusion& fusion : here->second) append(rewriter, fusion);
    }
    return ir::without_dead_nodes(rewriter.finish());  // constants that went inside
  }

  void append(ir::Rewriter& rewriter, const Fusion& fusion) const {
    const Node& node = graph_.node(fusion.contraction);
    std::vector<ValueId> operands = rewriter(node.operands);
    for (size_t i = 1; i < fusion.body.operands.size(); ++i)
      operands.push_back(rewriter(fusion.body.operands[i]));
    ir::Attrs attrs = node.attrs;
    attrs.set("epilogue", fusion.body.region);
    rewriter.replace(fusion.result,
                     rewriter.to().add(*node.op, std::move(operands), std::move(attrs), node.name));
  }

  const Graph& graph_;
  const Uses uses_;
  std::vector<bool> finishes_sums_;                // by node: elementwise on what holds_sums
  std::vector<bool> fused_;                        // by node: part of a fusion
  std::map<NodeId, std::vector<Fusion>> fusions_;  // by the node after which they stand
};

}  // namespace

Graph fuse_epilogue(const Graph& graph, const PassContext&) { return EpilogueFuser(graph).run(); }

}  // namespace hone::passes

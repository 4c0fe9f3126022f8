// One sweep in topological order: each node is rewritten by the rules, computed if its operands are
// constants, merged with an equal node if there is one, and otherwise copied. Dead nodes go last.
#include "passes/simplify.h"

#include <algorithm>
#include <unordered_map>

#include "ir/equal.h"
#include "ir/rewrite.h"
#include "kernels/reference.h"
#include "kernels/run_node.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

// A constant may grow to this by folding; beyond it a node is cheaper than the bytes.
constexpr int64_t kFoldedBytes = 1024;

class Simplifier {
 public:
  explicit Simplifier(const Graph& graph) : rewriter_(graph) {}

  Graph run() {
    for (const Node& node : rewriter_.from().nodes()) {
      const std::vector<ValueId> now =
          make({node.op, rewriter_(node.operands), node.attrs, {}, node.name});
      for (size_t i = 0; i < now.size(); ++i) rewriter_.replace(node.results[i], now[i]);
    }
    return ir::without_dead_nodes(rewriter_.finish());
  }

 private:
  Graph& graph() { return rewriter_.to(); }

  /// The results of `node`, by whatever computes them best.
  std::vector<ValueId> make(Node node) {
    while (true) {
      const std::vector<TensorType> types = infer(node);
      Replacement better = simplify_node(graph(), node, types[0]);
      if (const ValueId* value = std::get_if<ValueId>(&better)) return {*value};
      if (Node* other = std::get_if<Node>(&better)) {
        if (other->name.empty()) other->name = std::move(node.name);
        node = std::move(*other);
        continue;
      }
      if (foldable(node, types)) return fold(node, types);
      return merge(std::move(node));
    }
  }

  std::vector<TensorType> infer(const Node& node) {
    std::vector<TensorType> operands;
    operands.reserve(node.operands.size());
    for (ValueId v : node.operands) operands.push_back(graph().type(v));
    return ir::infer(*node.op, operands, node.attrs, node.name);
  }

  bool foldable(const Node& node, const std::vector<TensorType>& types) {
    if (node.operands.empty() || node.is(op::unpack)) return false;
    if (!node.is(op::fused) && kernels::find_reference(*node.op) == nullptr) return false;
    int64_t in = kFoldedBytes;
    int64_t out = 0;
    for (ValueId v : node.operands) {
      // The references hold f32 as float; f64 is the oracle's.
      if (!graph().produced_by(v, op::constant) || graph().type(v).dtype == DType::f64)
        return false;
      in += graph().type(v).bytes();
    }
    for (const TensorType& type : types) {
      if (!type.shape.is_static() || type.dtype == DType::f64) return false;
      out += type.bytes();
    }
    // Values are not made larger, but for those that are read instead of what they are made of.
    return out <= in || node.is(op::winograd_filter);
  }

  std::vector<ValueId> fold(const Node& node, const std::vector<TensorType>& types) {
    std::vector<Tensor> tensors;
    tensors.reserve(node.operands.size() + types.size());
    for (ValueId v : node.operands)
      tensors.push_back(graph().producer(v).attrs.get<Tensor>("value"));
    for (const TensorType& type : types) tensors.emplace_back(type.dtype, type.shape);
    std::vector<kernels::View> views;
    views.reserve(tensors.size());
    for (Tensor& t : tensors) views.push_back({t.raw(), &t.type()});
    const std::span<const kernels::View> all = views;
    kernels::run_node(node, all.first(node.operands.size()), all.subspan(node.operands.size()));
    std::vector<ValueId> results;
    results.reserve(types.size());
    for (size_t i = node.operands.size(); i < tensors.size(); ++i)
      results.push_back(merge({&op::constant, {}, {{"value", tensors[i]}}, {}, node.name})[0]);
    return results;
  }

  /// The results of an equal node that exists, or of a new one.
  std::vector<ValueId> merge(Node node) {
    if (node.is(op::input) || node.is(op::state)) return append(std::move(node)).results;
    const size_t hash = ir::hash_of(node);
    const auto [first, last] = seen_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      const Node& other = graph().node(it->second);
      if (other.op == node.op && other.operands == node.operands &&
          ir::equal(other.attrs, node.attrs))
        return other.results;
    }
    seen_.emplace(hash, static_cast<NodeId>(graph().nodes().size()));
    return append(std::move(node)).results;
  }

  const Node& append(Node node) {
    return graph().node(graph().append(*node.op, std::move(node.operands), std::move(node.attrs),
                                       std::move(node.name)));
  }

  ir::Rewriter rewriter_;
  std::unordered_multimap<size_t, NodeId> seen_;
};

}  // namespace

Graph simplify(const Graph& graph, const PassContext&) { return Simplifier(graph).run(); }

}  // namespace hone::passes

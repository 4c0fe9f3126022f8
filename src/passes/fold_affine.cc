// Chains are found first; then one sweep copies the graph and, where a chain ends, writes the
// folded contraction. What overflows is known only then: such a chain stays, in another sweep.
#include "passes/fold_affine.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "ir/expr.h"
#include "ir/rewrite.h"
#include "kernels/interpreter.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Expr;
using ir::Graph;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

/// A contraction, and the affine nodes that follow it one by one.
struct Chain {
  NodeId contraction;
  std::vector<NodeId> links;
  bool scales = false;  ///< one of them multiplies or divides
};

bool is_affine(const Node& node) {
  return node.is(op::add) || node.is(op::sub) || node.is(op::mul) || node.is(op::div);
}

/// A weight or an offset that took up a chain, which begins at `contraction`.
struct Folded {
  NodeId contraction;
  ValueId value;
};

class Folding {
 public:
  /// Chains that begin at one of `kept` stay.
  Folding(const Graph& graph, const std::set<NodeId>& kept)
      : from_(graph),
        kept_(kept),
        rewriter_(graph),
        uses_(graph.use_counts()),
        users_(graph.values().size()),
        fixed_(ir::independent_of_inputs(graph)) {
    for (size_t n = 0; n < graph.nodes().size(); ++n)
      for (ValueId v : graph.nodes()[n].operands)
        users_[static_cast<size_t>(v)] = static_cast<NodeId>(n);
  }

  Graph run() {
    std::map<NodeId, Chain> ends;
    std::vector<bool> folded(from_.nodes().size(), false);
    for (size_t n = 0; n < from_.nodes().size(); ++n) {
      const Chain chain = chain_of(static_cast<NodeId>(n));
      if (!chain.scales) continue;
      folded[n] = true;
      for (NodeId link : chain.links) folded[static_cast<size_t>(link)] = true;
      ends.emplace(chain.links.back(), chain);
    }
    for (size_t n = 0; n < from_.nodes().size(); ++n) {
      if (!folded[n]) rewriter_.copy(from_.nodes()[n]);
      else if (const auto end = ends.find(static_cast<NodeId>(n)); end != ends.end())
        fold(end->second);
    }
    return rewriter_.finish();
  }
  /// What was written, in the graph that `run` gave.
  const std::vector<Folded>& written() const { return written_; }

 private:
  bool fixed(ValueId v) const { return fixed_[static_cast<size_t>(v)]; }

  /// The axis of a contraction's result that its weight's channels are, or -1 if it cannot be
  /// folded.
  int channel_axis(const Node& node) const {
    const bool candidate =
        (node.is(op::conv2d) || node.is(op::matmul)) && node.operands.size() == 2 &&
        !node.attrs.has("epilogue") && !node.attrs.has("shards") && fixed(node.operands[1]) &&
        !fixed(node.operands[0]) && from_.type(node.operands[1]).dtype == DType::f32;
    if (!candidate) return -1;
    if (node.is(op::conv2d)) return node.attrs.get<std::string>("layout") == "nchw" ? 1 : -1;
    return from_.shape(node.operands[1]).rank() == 2 ? from_.shape(node.results[0]).rank() - 1 : -1;
  }

  /// True if `v` is one number, or one for each channel of a value of shape `to`.
  bool is_per_channel(ValueId v, const Shape& to, int channel) const {
    const Shape& shape = from_.shape(v);
    if (!fixed(v) || shape.rank() > to.rank()) return false;
    for (int axis = 0; axis < shape.rank(); ++axis) {
      const bool is_channel = axis + to.rank() - shape.rank() == channel;
      if (shape[axis] != 1 && !(is_channel && shape[axis] == to[channel])) return false;
    }
    return true;
  }

  Chain chain_of(NodeId start) const {
    Chain chain{start, {}, false};
    const Node& contraction = from_.node(start);
    const int channel = channel_axis(contraction);
    if (channel < 0 || kept_.contains(start)) return chain;
    ValueId v = contraction.results[0];
    const Shape& shape = from_.shape(v);
    while (uses_[static_cast<size_t>(v)] == 1 && users_[static_cast<size_t>(v)]) {
      const NodeId next = *users_[static_cast<size_t>(v)];
      const Node& node = from_.node(next);
      if (!is_affine(node)) break;
      const bool left = node.operands[0] == v;
      const ValueId other = node.operands[left ? 1 : 0];
      if (!is_per_channel(other, shape, channel) || (node.is(op::div) && !left)) break;
      chain.links.push_back(next);
      chain.scales = chain.scales || node.is(op::mul) || node.is(op::div);
      v = node.results[0];
    }
    return chain;
  }

  /// A per-channel operand as [channels] or as one number [1].
  Expr flat(ValueId old) {
    const Expr e{&rewriter_.to(), rewriter_(old)};
    return ir::reshape(e, {from_.shape(old).elements()});
  }

  // y = c * scale + offset, link by link.
  void fold(const Chain& chain) {
    const Node& contraction = from_.node(chain.contraction);
    std::optional<Expr> scale, offset;
    const auto multiply = [](std::optional<Expr>& e, Expr by) { e = e ? *e * by : by; };
    ValueId v = contraction.results[0];
    for (NodeId link : chain.links) {
      const Node& node = from_.node(link);
      const bool left = node.operands[0] == v;
      const Expr k = flat(node.operands[left ? 1 : 0]);
      if (node.is(op::add)) {
        offset = offset ? *offset + k : k;
      } else if (node.is(op::sub) && left) {
        offset = offset ? *offset - k : -k;
      } else if (node.is(op::sub)) {
        scale = scale ? -*scale : ir::scalar_like(k, -1);
        offset = offset ? k - *offset : k;
      } else if (node.is(op::mul)) {
        multiply(scale, k);
        if (offset) multiply(offset, k);
      } else {
        scale = scale ? *scale / k : ir::scalar_like(k, 1) / k;
        if (offset) offset = *offset / k;
      }
      v = node.results[0];
    }
    const Expr weight{&rewriter_.to(), rewriter_(contraction.operands[1])};
    const Expr folded = weight * spread(*scale, weight_spread(contraction));
    written_.push_back({chain.contraction, folded.id});
    const ValueId x = rewriter_(contraction.operands[0]);
    Expr y{&rewriter_.to(), rewriter_.to().add(*contraction.op, {x, folded.id}, contraction.attrs,
                                               contraction.name)};
    const Node& last = from_.node(chain.links.back());
    if (offset) {
      const Expr shift = spread(*offset, contraction.is(op::conv2d) ? 2 : 0);
      written_.push_back({chain.contraction, shift.id});
      y = ir::apply(op::add, {y, shift}, {}, last.name);
    }
    rewriter_.replace(last.results[0], y.id);
  }

  /// A vector over channels with so many extents of 1 behind it.
  static Expr spread(Expr vector, int behind) {
    if (vector.rank() == 0) return vector;
    std::vector<int64_t> dims(static_cast<size_t>(behind) + 1, 1);
    dims[0] = vector.shape()[0];
    return ir::reshape(vector, Shape(dims));
  }

  /// How many axes of the weight stand behind that of the output channels.
  static int weight_spread(const Node& contraction) {
    if (contraction.is(op::conv2d)) return 3;
    return contraction.attrs.flag("trans_b") ? 1 : 0;
  }

  const Graph& from_;
  const std::set<NodeId>& kept_;
  ir::Rewriter rewriter_;
  std::vector<Folded> written_;
  std::vector<int> uses_;
  std::vector<std::optional<NodeId>> users_;  // the last node that reads a value
  std::vector<bool> fixed_;
};

/// The part of a graph that constants alone decide, with those of `values` that are in it as
/// outputs, named by their number.
Graph known_part(const Graph& graph, const std::vector<Folded>& values) {
  std::vector<bool> needed(graph.nodes().size(), false);
  for (const Folded& f : values) needed[static_cast<size_t>(graph.value(f.value).node)] = true;
  for (size_t n = needed.size(); n-- > 0;)
    for (ValueId v : graph.nodes()[n].operands)
      if (needed[n]) needed[static_cast<size_t>(graph.value(v).node)] = true;
  Graph out;
  std::map<ValueId, ValueId> now;
  for (size_t n = 0; n < needed.size(); ++n) {
    const Node& node = graph.nodes()[n];
    const bool known =
        node.is(op::constant) ||
        (!node.operands.empty() && std::all_of(node.operands.begin(), node.operands.end(),
                                               [&](ValueId v) { return now.contains(v); }));
    if (!needed[n] || !known) continue;
    std::vector<ValueId> operands;
    for (ValueId v : node.operands) operands.push_back(now.at(v));
    const NodeId copy = out.append(*node.op, std::move(operands), node.attrs, node.name);
    for (size_t i = 0; i < node.results.size(); ++i)
      now[node.results[i]] = out.node(copy).results[i];
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (const auto at = now.find(values[i].value); at != now.end())
      out.output(std::to_string(i), at->second);
  return out;
}

/// The contractions whose weight or offset is known not to be finite.
std::set<NodeId> overflowing(const Graph& graph, const std::vector<Folded>& values) {
  std::set<NodeId> out;
  for (const auto& [name, tensor] : kernels::interpret(known_part(graph, values), {}).outputs) {
    const float* x = tensor.data<float>();
    if (!std::all_of(x, x + tensor.elements(), [](float e) { return std::isfinite(e); }))
      out.insert(values[std::stoul(name)].contraction);
  }
  return out;
}

}  // namespace

Graph fold_affine(const Graph& graph, const PassContext&) {
  std::set<NodeId> kept;
  while (true) {
    Folding folding(graph, kept);
    Graph out = folding.run();
    const std::set<NodeId> more = overflowing(out, folding.written());
    if (more.empty()) return out;
    kept.insert(more.begin(), more.end());
  }
}

}  // namespace hone::passes

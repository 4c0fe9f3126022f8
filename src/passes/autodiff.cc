// Reverse mode: the graph is copied, so that values keep their ids, and the nodes of the gradients
// are appended while the original is walked backwards.
#include "passes/autodiff.h"

#include <fmt/core.h>

#include <string>

#include "base/error.h"
#include "passes/gradients.h"

namespace hone::passes {
namespace {

using ir::Expr;
using ir::Graph;
using ir::Node;
using ir::ValueId;

bool is_float(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }
bool is_trainable(const Node& node) {
  return node.is(ir::op::state) && node.attrs.flag("trainable");
}

/// True where a gradient of the node's results would be passed on to operand i.
bool passes_gradient(const Node& node, size_t i) {
  if (node.attrs.flag("no_grad")) return false;
  const GradientRow* row = find_gradient(*node.op);
  return row == nullptr || row->of(i) != nullptr;
}

class Differentiator {
 public:
  explicit Differentiator(const Graph& graph)
      : graph_(graph), out_(graph), varied_(graph.values().size()), grads_(graph.values().size()) {}

  Graph run(ValueId loss) {
    mark_varied();
    grads_[static_cast<size_t>(loss)] = scalar_like(Expr{&out_, loss}, 1);
    for (size_t i = graph_.nodes().size(); i-- > 0;) step_back(graph_.nodes()[i]);
    for (const Node& node : graph_.nodes())
      if (is_trainable(node)) out_.output("grad/" + node.name, gradient_of_state(node).id);
    return std::move(out_);
  }

 private:
  /// Marks every float value that depends on a trainable state: nothing else needs a gradient.
  void mark_varied() {
    for (const Node& node : graph_.nodes()) {
      bool varied = is_trainable(node);
      for (size_t i = 0; i < node.operands.size(); ++i)
        varied |= varied_[static_cast<size_t>(node.operands[i])] && passes_gradient(node, i);
      for (ValueId v : node.results)
        varied_[static_cast<size_t>(v)] = varied && is_float(graph_.type(v).dtype);
    }
  }

  bool wants_gradient(const Node& node, size_t i) const {
    return varied_[static_cast<size_t>(node.operands[i])] && passes_gradient(node, i);
  }

  /// Turns the gradients of a node's results into those of its operands.
  void step_back(const Node& node) {
    Step s{.attrs = node.attrs, .x = {}, .ys = {}, .dys = {}, .y = {}, .dy = {}};
    bool arrived = false;
    for (ValueId v : node.operands) s.x.push_back({&out_, v});
    for (ValueId v : node.results) {
      s.ys.push_back({&out_, v});
      s.dys.push_back(grads_[static_cast<size_t>(v)]);
      arrived |= static_cast<bool>(s.dys.back());
    }
    if (!arrived) return;
    s.y = s.ys[0];
    s.dy = s.dys[0];
    const size_t before = out_.nodes().size();
    for (s.operand = 0; s.operand < s.x.size(); ++s.operand) {
      if (!wants_gradient(node, s.operand)) continue;
      require_rule(node);
      const Expr gradient = find_gradient(*node.op)->of(s.operand)(s);
      accumulate(s.x[s.operand].id, sum_to(gradient, s.x[s.operand].shape()));
    }
    name_from(before, node);
  }

  /// Names the nodes from `first` on after the node whose gradients they compute.
  void name_from(size_t first, const Node& node) {
    const std::string name =
        fmt::format("grad({})", node.name.empty() ? node.op->name : std::string_view(node.name));
    for (size_t i = first; i < out_.nodes().size(); ++i)
      if (out_.nodes()[i].op->op_class != ir::OpClass::source)
        out_.name_node(static_cast<ir::NodeId>(i), name);
  }

  void accumulate(ValueId value, Expr gradient) {
    Expr& sum = grads_[static_cast<size_t>(value)];
    sum = sum ? sum + gradient : gradient;
  }

  static void require_rule(const Node& node) {
    if (node.attrs.has("epilogue"))
      fail(ErrorKind::Unsupported,
           "{} '{}': cannot differentiate an epilogue: differentiate before "
           "fusing",
           node.op->name, node.name);
    if (find_gradient(*node.op) != nullptr) return;
    std::string_view reason = "the op has no gradient rule";
    for (const NotDifferentiable& row : not_differentiable())
      if (row.op == node.op) reason = row.reason;
    fail(ErrorKind::Unsupported, "{} '{}': cannot differentiate: {}", node.op->name, node.name,
         reason);
  }

  Expr gradient_of_state(const Node& node) {
    const Expr state{&out_, node.results[0]};
    const Expr gradient = grads_[static_cast<size_t>(state.id)];
    return gradient ? gradient : broadcast(scalar_like(state, 0), state.shape());
  }

  const Graph& graph_;
  Graph out_;
  std::vector<bool> varied_;
  std::vector<Expr> grads_;  // by value of the original graph
};

}  // namespace

Graph differentiate(const Graph& graph, std::string_view loss_output) {
  const ValueId loss = graph.find_output(loss_output);
  require(loss != ir::kNoValue, "graph '{}' has no output '{}' to differentiate", graph.name(),
          loss_output);
  const TensorType& type = graph.type(loss);
  require(type.shape.rank() == 0 && is_float(type.dtype),
          "output '{}': expected a float scalar to differentiate, found {}", loss_output, type);
  return Differentiator(graph).run(loss);
}

}  // namespace hone::passes

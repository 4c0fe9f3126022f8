// Counting by op class.
#include "ir/cost.h"

#include "ir/infer.h"

namespace hone::ir {
namespace {

int64_t contraction_flops(const Graph& g, const Node& node) {
  const Shape& a = g.shape(node.operands[0]);
  const Shape& b = g.shape(node.operands[1]);
  if (node.is(op::matmul)) return 2 * a.elements() * (node.attrs.flag("trans_b") ? b[0] : b[1]);
  const bool grad_input = node.is(op::conv2d_grad_input);
  const bool grad_weight = node.is(op::conv2d_grad_weight);
  const Shape x = grad_input ? Shape(node.attrs.ints("shape")) : a;
  const Shape w = grad_weight ? Shape(node.attrs.ints("shape")) : b;
  const ConvDims d = conv_dims(x, w, node.attrs);
  return 2 * d.n * d.oh * d.ow * d.o * d.kh * d.kw * d.group_c();
}

}  // namespace

int64_t flops(const Graph& graph) {
  int64_t total = 0;
  for (const Node& node : graph.nodes()) {
    switch (node.op->op_class) {
      case OpClass::contraction:
        total += contraction_flops(graph, node);
        break;
      case OpClass::elementwise:
      case OpClass::random:
        total += graph.shape(node.results[0]).elements();
        break;
      case OpClass::reduction:
      case OpClass::window:
        total += graph.shape(node.operands[0]).elements();
        break;
      case OpClass::source:
      case OpClass::movement:
      case OpClass::structured:
        break;
    }
  }
  return total;
}

}  // namespace hone::ir

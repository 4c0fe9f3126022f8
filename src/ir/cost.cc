// Counting by op class.
#include "ir/cost.h"

#include "ir/infer.h"

namespace hone::ir {
namespace {

int64_t contraction_flops(const Graph& g, const Node& node) {
  const Shape& a = g.shape(node.operands[0]);
  const Shape& b = g.shape(node.operands[1]);
  if (node.is(op::matmul))
    return 2 * g.shape(node.results[0]).elements() * matmul_dims(a, b, node.attrs).depth;
  if (node.is(op::winograd_conv2d)) {
    const ConvDims d = winograd_dims(a, b, node.attrs);
    const int64_t tile = node.attrs.integer("tile");
    const auto tiles = [&](int64_t outputs) { return (outputs + tile - 1) / tile; };
    return 2 * d.n * tiles(d.oh) * tiles(d.ow) * b.elements();
  }
  const bool grad_input = node.is(op::conv2d_grad_input);
  const bool grad_weight = node.is(op::conv2d_grad_weight);
  const Shape x = grad_input ? Shape(node.attrs.ints("shape")) : a;
  const Shape w = grad_weight ? Shape(node.attrs.ints("shape")) : b;
  const ConvDims d = conv_dims(x, w, node.attrs);
  return 2 * d.n * d.oh * d.ow * d.o * d.kh * d.kw * d.group_c();
}

/// The ops of a body, each of which computes `elements`.
int64_t body_flops(const Node& node, std::string_view attr, int64_t elements) {
  if (!node.attrs.has(attr)) return 0;
  int64_t ops = 0;
  for (const Node& inner : node.attrs.get<Region>(attr)->nodes())
    if (inner.op->op_class == OpClass::elementwise) ++ops;
  return ops * elements;
}

}  // namespace

int64_t flops(const Graph& graph, const Node& node) {
  const auto elements = [&](ValueId v) { return graph.shape(v).elements(); };
  switch (node.op->op_class) {
    case OpClass::contraction:
      return contraction_flops(graph, node) +
             body_flops(node, "epilogue", elements(node.results[0]));
    case OpClass::elementwise:
      return node.is(op::fused) ? body_flops(node, "body", elements(node.results[0]))
                                : elements(node.results[0]);
    case OpClass::random:
      return elements(node.results[0]);
    case OpClass::reduction:
    case OpClass::window:
      return elements(node.operands[0]);
    case OpClass::source:
    case OpClass::movement:
    case OpClass::structured:
      return 0;
  }
  return 0;
}

int64_t flops(const Graph& graph) {
  int64_t total = 0;
  for (const Node& node : graph.nodes()) total += flops(graph, node);
  return total;
}

}  // namespace hone::ir

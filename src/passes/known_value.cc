// Computed from the constants upwards, node by node.
#include "passes/known_value.h"

#include "kernels/run_node.h"

namespace hone::passes {

std::optional<Tensor> known_value(const ir::Graph& graph, ir::ValueId v) {
  constexpr int64_t kMost = int64_t{1} << 16;
  const ir::Node& node = graph.producer(v);
  const TensorType& type = graph.type(v);
  if (!type.shape.is_static() || type.shape.elements() > kMost) return {};
  if (node.is(ir::op::constant)) return node.attrs.get<Tensor>("value");
  if (node.operands.empty() || node.results.size() != 1 || type.dtype == DType::f64) return {};
  std::vector<Tensor> operands;
  for (ir::ValueId operand : node.operands) {
    std::optional<Tensor> value = known_value(graph, operand);
    if (!value) return {};
    operands.push_back(std::move(*value));
  }
  Tensor result(type.dtype, type.shape);
  std::vector<kernels::View> views;
  for (Tensor& t : operands) views.push_back({t.raw(), &t.type()});
  const kernels::View out{result.raw(), &result.type()};
  kernels::run_node(node, views, {&out, 1});
  return result;
}

}  // namespace hone::passes

// Computed from the constants upwards, node by node.
#include "passes/known_value.h"

#include <map>

#include "kernels/run_node.h"

namespace hone::passes {
namespace {

using Known = std::map<ir::ValueId, std::optional<Tensor>>;

std::optional<Tensor> compute(const ir::Graph& graph, ir::ValueId v, Known& known);

// Each value is computed once, however many read it.
const std::optional<Tensor>& value_of(const ir::Graph& graph, ir::ValueId v, Known& known) {
  const auto found = known.find(v);
  if (found != known.end()) return found->second;
  std::optional<Tensor> value = compute(graph, v, known);
  return known.emplace(v, std::move(value)).first->second;
}

std::optional<Tensor> compute(const ir::Graph& graph, ir::ValueId v, Known& known) {
  constexpr int64_t kMost = int64_t{1} << 16;
  const ir::Node& node = graph.producer(v);
  const TensorType& type = graph.type(v);
  if (!type.shape.is_static() || type.shape.elements() > kMost) return {};
  if (node.is(ir::op::constant)) return node.attrs.get<Tensor>("value");
  if (node.operands.empty() || node.results.size() != 1 || type.dtype == DType::f64) return {};
  std::vector<Tensor> operands;
  for (ir::ValueId operand : node.operands) {
    const std::optional<Tensor>& value = value_of(graph, operand, known);
    if (!value) return {};
    operands.push_back(*value);
  }
  Tensor result(type.dtype, type.shape);
  std::vector<kernels::View> views;
  views.reserve(operands.size());
  for (Tensor& t : operands) views.push_back({t.raw(), &t.type()});
  const kernels::View out{result.raw(), &result.type()};
  kernels::run_node(node, views, {&out, 1});
  return result;
}

}  // namespace

std::optional<Tensor> known_value(const ir::Graph& graph, ir::ValueId v) {
  Known known;
  return value_of(graph, v, known);
}

std::optional<float> known_number(const ir::Graph& graph, ir::ValueId v) {
  const std::optional<Tensor> value = known_value(graph, v);
  if (!value || value->dtype() != DType::f32 || value->elements() != 1) return {};
  return value->data<float>()[0];
}

}  // namespace hone::passes

// Evaluating elementwise nodes and bodies with the scalar references, for this family's tests.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "kernels/reference.h"

namespace hone::kernels {

/// Runs the reference of one node on `operands`.
inline Tensor reference_of(const ir::Node& node, const std::vector<Tensor>& operands,
                           const TensorType& result, bool in_double = false) {
  Tensor out(result.dtype, result.shape);
  std::vector<View> views;
  views.reserve(operands.size());
  for (const Tensor& t : operands) views.push_back({const_cast<std::byte*>(t.raw()), &t.type()});
  const View out_view{out.raw(), &out.type()};
  run_reference({&node, views, {&out_view, 1}}, in_double);
  return out;
}

/// One op applied to tensors.
inline Tensor apply(const ir::OpSpec& op, const std::vector<Tensor>& operands, ir::Attrs attrs = {},
                    bool in_double = false) {
  std::vector<TensorType> types;
  types.reserve(operands.size());
  for (const Tensor& t : operands) types.push_back(t.type());
  const TensorType result = ir::infer(op, types, attrs, "")[0];
  return reference_of({&op, {}, std::move(attrs), {}, ""}, operands, result, in_double);
}

/// Every output of a body, node by node.
inline std::vector<Tensor> interpret_body(const ir::Graph& body,
                                          const std::vector<Tensor>& inputs) {
  std::vector<Tensor> values(body.values().size());
  size_t next_input = 0;
  for (const ir::Node& node : body.nodes()) {
    const size_t result = static_cast<size_t>(node.results[0]);
    if (node.is(ir::op::input)) {
      values[result] = inputs[next_input++];
    } else if (node.is(ir::op::constant)) {
      values[result] = node.attrs.get<Tensor>("value");
    } else {
      std::vector<Tensor> operands;
      for (ir::ValueId v : node.operands) operands.push_back(values[static_cast<size_t>(v)]);
      values[result] = reference_of(node, operands, body.type(node.results[0]));
    }
  }
  std::vector<Tensor> outputs;
  for (const ir::Output& o : body.outputs())
    outputs.push_back(values[static_cast<size_t>(o.value)]);
  return outputs;
}

}  // namespace hone::kernels

// Asking a body.
#include "kernels/epilogue.h"

#include <algorithm>

#include "ir/rewrite.h"

namespace hone::kernels {

std::optional<float> number_in(const ir::Graph& body, ir::ValueId v) {
  if (!body.produced_by(v, ir::op::constant) || body.type(v).dtype != DType::f32 ||
      body.shape(v).elements() != 1)
    return {};
  return body.producer(v).attrs.get<Tensor>("value").data<float>()[0];
}

int operand_of(const ir::Graph& body, ir::ValueId input) {
  const std::vector<ir::ValueId> inputs = body.inputs();
  return static_cast<int>(std::find(inputs.begin(), inputs.end(), input) - inputs.begin()) + 1;
}

bool is_by_column(const ir::Graph& body, ir::ValueId v) {
  const Shape& shape = body.shape(v);
  const Shape& loop = body.shape(body.inputs()[0]);
  const int64_t cols = loop.rank() > 0 ? loop[loop.rank() - 1] : 1;
  return body.produced_by(v, ir::op::input) && shape.rank() > 0 && shape.elements() == cols &&
         shape[shape.rank() - 1] == cols;
}

std::optional<ir::Graph> reshaped_body(const ir::Graph& body, const Shape& loop) {
  const Shape& before = body.shape(body.inputs()[0]);
  ir::Rewriter rewriter(body);
  for (const ir::Node& node : body.nodes()) {
    const ir::ValueId v = node.results[0];
    const bool whole = body.shape(v) == before;
    if (node.operands.empty() && !whole && body.shape(v).elements() != 1) return {};
    if (!node.is(ir::op::input)) {
      if (node.operands.empty() && whole) return {};
      rewriter.copy(node);
      continue;
    }
    rewriter.replace(v,
                     rewriter.to().input(node.name, {body.type(v).dtype, whole ? loop : Shape{}}));
  }
  return rewriter.finish();
}

bool epilogue_over_operand(const Problem& problem, int result, int operand) {
  return operand >= 2 && problem.operands[static_cast<size_t>(operand)] ==
                             problem.results[static_cast<size_t>(result)];
}

}  // namespace hone::kernels

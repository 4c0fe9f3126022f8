// Inputs of other dtypes than declared.
#include "passes/retype_inputs.h"

#include "ir/expr.h"
#include "ir/rewrite.h"

namespace hone::passes {

ir::Graph retype_inputs(const ir::Graph& graph, const std::map<std::string, TensorType>& types) {
  ir::Rewriter rewriter(graph);
  for (const ir::Node& node : graph.nodes()) {
    const auto given = types.find(node.name);
    const bool bytes = node.is(ir::op::input) && given != types.end() &&
                       given->second.dtype == DType::u8 &&
                       graph.type(node.results[0]).dtype == DType::f32;
    if (!bytes) {
      rewriter.copy(node);
      continue;
    }
    const ir::Expr pixels =
        ir::input(rewriter.to(), node.name, {DType::u8, graph.shape(node.results[0])});
    rewriter.replace(node.results[0], ir::cast(pixels, DType::f32).id);
  }
  return rewriter.finish();
}

}  // namespace hone::passes

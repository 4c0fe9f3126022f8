// Two sweeps: sources and the scalars made of them, then everything else in its old order.
#include "passes/hoist_scalars.h"

#include <algorithm>

#include "ir/rewrite.h"

namespace hone::passes {

ir::Graph hoist_scalars(const ir::Graph& graph, const PassContext&) {
  ir::Rewriter rewriter(graph);
  const auto scalar = [&](ir::ValueId v) { return graph.shape(v).rank() == 0; };
  const auto early = [&](const ir::Node& node) {
    if (node.op->op_class == ir::OpClass::source) return true;
    return std::all_of(node.results.begin(), node.results.end(), scalar) &&
           std::all_of(node.operands.begin(), node.operands.end(),
                       [&](ir::ValueId v) { return scalar(v) && rewriter.has(v); });
  };
  for (const ir::Node& node : graph.nodes())
    if (early(node)) rewriter.copy(node);
  for (const ir::Node& node : graph.nodes())
    if (!rewriter.has(node.results[0])) rewriter.copy(node);
  return rewriter.finish();
}

}  // namespace hone::passes

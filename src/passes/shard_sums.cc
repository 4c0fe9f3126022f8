// Which nodes sum over the batch.
#include "passes/shard_sums.h"

#include <algorithm>

#include "ir/infer.h"
#include "ir/rewrite.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::Ints;
using ir::Node;

bool reduces_batch(const Graph& graph, const Node& node) {
  const Shape& x = graph.shape(node.operands[0]);
  const Ints& axes = node.attrs.ints("axes");
  return x.rank() > 0 && x[0] == kBatch && std::find(axes.begin(), axes.end(), 0) != axes.end();
}

bool sums_over_batch(const Graph& graph, const Node& node) {
  if (node.is(op::reduce_sum) || node.is(op::moments)) return reduces_batch(graph, node);
  if (node.is(op::matmul)) {
    const Shape& a = graph.shape(node.operands[0]);
    return a[a.rank() - (node.attrs.flag("trans_a") ? 2 : 1)] == kBatch;
  }
  if (node.is(op::scatter_add)) {
    const Shape& indices = graph.shape(node.operands[1]);
    return indices.rank() > 0 && indices[0] == kBatch;
  }
  if (node.is(op::conv2d_grad_weight))
    return graph.shape(node.operands[0])[ir::layout_of(node.attrs).n] == kBatch;
  return false;
}

/// The batch is the slowest of the reduced axes, so that a shard is consecutive elements.
Ints batch_first(Ints axes) {
  const auto batch = std::find(axes.begin(), axes.end(), 0);
  std::rotate(axes.begin(), batch, batch + 1);
  return axes;
}

}  // namespace

Graph shard_sums(const Graph& graph, const PassContext& context) {
  ir::Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    ir::Attrs attrs = node.attrs;
    if (sums_over_batch(graph, node)) {
      attrs.set("batch", context.sharding.batch);
      attrs.set("shards", context.sharding.shards);
      if (attrs.has("axes")) attrs.set("axes", batch_first(attrs.ints("axes")));
    }
    rewriter.copy(node, std::move(attrs));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

// A model of the cost, and the exchange.
#include "passes/winograd.h"

#include <algorithm>

#include "ir/rewrite.h"

namespace hone::passes {
namespace {

namespace op = ir::op;

// In multiply-adds of one: transforming one value of an input or an output, and fetching one
// weight, from a cache or from memory, for a single sample.
constexpr int64_t kInputCost = 6, kOutputCost = 5, kCachedCost = 2, kMemoryCost = 25;
constexpr int64_t kCachedWeights = int64_t{1} << 18;
// What may be left, in percent of the direct convolution, whose loop is the simpler one.
constexpr int64_t kMost = 70;

int64_t weight_cost(int64_t weights) {
  return weights * (weights > kCachedWeights ? kMemoryCost : kCachedCost);
}

int64_t direct_cost(const ir::ConvDims& d) {
  const int64_t weights = 9 * d.c * d.o;
  return d.oh * d.ow * weights + weight_cost(weights);
}

int64_t winograd_cost(const ir::ConvDims& d, int64_t tile) {
  const int64_t points = (tile + 2) * (tile + 2);
  const int64_t tiles = (d.oh + tile - 1) / tile * ((d.ow + tile - 1) / tile);
  return points * tiles * (d.c * d.o + kInputCost * d.c + kOutputCost * d.o) +
         weight_cost(points * d.c * d.o);
}

bool is_candidate(const ir::Graph& graph, const ir::Node& node) {
  return node.is(op::conv2d) && !node.attrs.has("epilogue") &&
         node.attrs.get<std::string>("layout") == "nchw" && node.attrs.integer("groups") == 1 &&
         node.attrs.ints("stride") == ir::Ints{1, 1} &&
         node.attrs.ints("dilation") == ir::Ints{1, 1} &&
         graph.type(node.operands[0]).dtype == DType::f32;
}

}  // namespace

int64_t winograd_tile(const ir::ConvDims& d) {
  if (d.kh != 3 || d.kw != 3) return 0;
  const int64_t two = winograd_cost(d, 2), four = winograd_cost(d, 4);
  if (std::min(two, four) * 100 > direct_cost(d) * kMost) return 0;
  return two < four ? 2 : 4;
}

ir::Graph winograd(const ir::Graph& graph, const PassContext&) {
  const std::vector<bool> independent = ir::independent_of_inputs(graph);
  ir::Rewriter rewriter(graph);
  for (const ir::Node& node : graph.nodes()) {
    int64_t tile = 0;
    if (is_candidate(graph, node) && independent[static_cast<size_t>(node.operands[1])])
      tile = winograd_tile(
          ir::conv_dims(graph.shape(node.operands[0]), graph.shape(node.operands[1]), node.attrs));
    if (tile == 0) {
      rewriter.copy(node);
      continue;
    }
    const ir::ValueId filter = rewriter.to().add(op::winograd_filter, {rewriter(node.operands[1])},
                                                 {{"tile", tile}}, node.name);
    rewriter.replace(
        node,
        rewriter.to().add(
            op::winograd_conv2d, {rewriter(node.operands[0]), filter},
            {{"tile", tile}, {"pad", node.attrs.ints("pad")}, {"layout", std::string("nchw")}},
            node.name));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

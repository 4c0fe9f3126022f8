// A model of the cost, and the exchange.
#include "passes/winograd.h"

#include <algorithm>
#include <utility>

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
  return (node.is(op::conv2d) || node.is(op::conv2d_grad_input)) && !node.attrs.has("epilogue") &&
         node.attrs.get<std::string>("layout") == "nchw" && node.attrs.integer("groups") == 1 &&
         node.attrs.ints("stride") == ir::Ints{1, 1} &&
         node.attrs.ints("dilation") == ir::Ints{1, 1} &&
         graph.type(node.operands[0]).dtype == DType::f32;
}

// The gradient of a convolution's input is one of its output's, by the same filters turned round.
struct Filtering {
  ir::ConvDims dims;
  bool gradient;
  ir::Ints pad;
};

Filtering filtering_of(const ir::Graph& graph, const ir::Node& node) {
  const Shape& weight = graph.shape(node.operands[1]);
  const ir::Ints& pad = node.attrs.ints("pad");
  if (node.is(op::conv2d))
    return {ir::conv_dims(graph.shape(node.operands[0]), weight, node.attrs), false, pad};
  ir::ConvDims d = ir::conv_dims(Shape(node.attrs.ints("shape")), weight, node.attrs);
  std::swap(d.c, d.o);
  std::swap(d.h, d.oh);
  std::swap(d.w, d.ow);
  return {d, true, {d.kh - 1 - pad[0], d.kw - 1 - pad[1], d.kh - 1 - pad[2], d.kw - 1 - pad[3]}};
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
    if (!is_candidate(graph, node) || !independent[static_cast<size_t>(node.operands[1])]) {
      rewriter.copy(node);
      continue;
    }
    const auto [dims, gradient, pad] = filtering_of(graph, node);
    const int64_t tile = std::ranges::min(pad) < 0 ? 0 : winograd_tile(dims);
    if (tile == 0) {
      rewriter.copy(node);
      continue;
    }
    ir::Attrs filter_attrs{{"tile", tile}};
    if (gradient) filter_attrs.set("gradient", int64_t{1});
    const ir::ValueId filter = rewriter.to().add(op::winograd_filter, {rewriter(node.operands[1])},
                                                 std::move(filter_attrs), node.name);
    rewriter.replace(
        node.results[0],
        rewriter.to().add(op::winograd_conv2d, {rewriter(node.operands[0]), filter},
                          {{"tile", tile}, {"pad", pad}, {"layout", std::string("nchw")}},
                          node.name));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

// A model of the cost, and the exchange.
#include "passes/winograd.h"

#include <algorithm>
#include <utility>

#include "base/dtype.h"
#include "ir/rewrite.h"
#include "kernels/int8/int8.h"

namespace hone::passes {
namespace {

namespace op = ir::op;

// In multiply-adds of one: transforming one value of an input or an output, and fetching one
// weight, from a cache or from memory, for a single sample.
constexpr int64_t kInputCost = 6, kOutputCost = 5, kCachedCost = 2, kMemoryCost = 16;
constexpr int64_t kCachedWeights = int64_t{1} << 18;
// What may be left, in percent of the direct convolution, whose loop is the simpler one. A single
// sample, which alone waits for so many weights, need not gain as much.
constexpr int64_t kMost = 70, kMostOfSingle = 100;

// The same of bytes, for a byte of the weights, of which those at the points have two each.
constexpr int64_t kByteInputCost = 8, kByteOutputCost = 20, kWeightByteCost = 3;
constexpr int64_t kMostOfBytes = 85;

/// Of a sample among many, whose weights are in the caches, and of one on its own.
struct Cost {
  int64_t among_many, single;

  int64_t both() const { return among_many + single; }
};

Cost with_weights(int64_t arithmetic, int64_t weights) {
  const int64_t cached = weights * kCachedCost;
  return {arithmetic + cached,
          arithmetic + (weights > kCachedWeights ? weights * kMemoryCost : cached)};
}

Cost direct_cost(const ir::ConvDims& d) {
  const int64_t weights = 9 * d.c * d.o;
  return with_weights(d.oh * d.ow * weights, weights);
}

int64_t tiles_of(const ir::ConvDims& d, int64_t tile) {
  return (d.oh + tile - 1) / tile * ((d.ow + tile - 1) / tile);
}

Cost winograd_cost(const ir::ConvDims& d, int64_t tile) {
  const int64_t points = (tile + 2) * (tile + 2);
  return with_weights(
      points * tiles_of(d, tile) * (d.c * d.o + kInputCost * d.c + kOutputCost * d.o),
      points * d.c * d.o);
}

bool is_candidate(const ir::Node& node) {
  return (node.is(op::conv2d) || node.is(op::conv2d_grad_input)) && !node.attrs.has("epilogue") &&
         node.attrs.get<std::string>("layout") == "nchw" && node.attrs.integer("groups") == 1 &&
         node.attrs.ints("stride") == ir::Ints{1, 1} &&
         node.attrs.ints("dilation") == ir::Ints{1, 1};
}

// The tile by which a node is computed, or 0 for none. The sums of bytes are the same either way.
int64_t tile_of(const ir::Graph& graph, const ir::Node& node, const ir::ConvDims& dims, Isa isa) {
  const DType x = graph.type(node.operands[0]).dtype, w = graph.type(node.operands[1]).dtype;
  // A graph that updates its states computes the filters of each step anew.
  if (x == DType::f32) return winograd_tile(dims, !graph.updates().empty());
  const bool multiplies_words = isa != Isa::scalar && !kernels::multiplies_bytes(isa);
  const bool pays = is_byte(x) && w == DType::i8 && multiplies_words && winograd_of_bytes(dims, x);
  return pays ? 2 : 0;
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

int64_t winograd_tile(const ir::ConvDims& d, bool filters_change) {
  if (d.kh != 3 || d.kw != 3) return 0;
  const Cost direct = direct_cost(d), two = winograd_cost(d, 2), four = winograd_cost(d, 4);
  const int64_t most_of_single = filters_change ? kMost : kMostOfSingle;
  const auto pays = [&](const Cost& cost) {
    return cost.among_many * 100 <= direct.among_many * kMost &&
           cost.single * 100 <= direct.single * most_of_single;
  };
  if (pays(four) && (!pays(two) || four.both() <= two.both())) return 4;
  return pays(two) ? 2 : 0;
}

bool winograd_of_bytes(const ir::ConvDims& d, DType x) {
  const int64_t greatest = 4 * 9 * d.c * (x == DType::u8 ? 255 : 128) * 128;
  if (d.kh != 3 || d.kw != 3 || greatest > INT32_MAX) return false;
  const int64_t weights = d.c * d.o;
  const int64_t direct = 9 * weights * (d.oh * d.ow + kWeightByteCost);
  const int64_t by_tiles =
      16 * (tiles_of(d, 2) * (weights + kByteInputCost * d.c + kByteOutputCost * d.o) +
            2 * kWeightByteCost * weights);
  return by_tiles * 100 <= direct * kMostOfBytes;
}

ir::Graph winograd(const ir::Graph& graph, const PassContext& context) {
  const std::vector<bool> independent = ir::independent_of_inputs(graph);
  ir::Rewriter rewriter(graph);
  for (const ir::Node& node : graph.nodes()) {
    if (!is_candidate(node) || !independent[static_cast<size_t>(node.operands[1])]) {
      rewriter.copy(node);
      continue;
    }
    const auto [dims, gradient, pad] = filtering_of(graph, node);
    const int64_t tile = std::ranges::min(pad) < 0 ? 0 : tile_of(graph, node, dims, context.isa);
    if (tile == 0) {
      rewriter.copy(node);
      continue;
    }
    ir::Attrs filter_attrs{{"tile", tile}};
    if (gradient) filter_attrs.set("gradient", int64_t{1});
    ir::Attrs attrs{{"tile", tile}, {"pad", pad}, {"layout", std::string("nchw")}};
    if (node.attrs.has("pad_value")) attrs.set("pad_value", node.attrs.integer("pad_value"));
    const ir::ValueId filter = rewriter.to().add(op::winograd_filter, {rewriter(node.operands[1])},
                                                 std::move(filter_attrs), node.name);
    rewriter.replace(node.results[0],
                     rewriter.to().add(op::winograd_conv2d, {rewriter(node.operands[0]), filter},
                                       std::move(attrs), node.name));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

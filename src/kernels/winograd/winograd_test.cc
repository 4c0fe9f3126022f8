// How far Winograd's transforms move a convolution's outputs: about as much as its own rounding.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ir/expr.h"
#include "kernels/draw.h"
#include "kernels/interpreter.h"

namespace hone::kernels {
namespace {

using ir::Expr;
using ir::Graph;

constexpr int64_t kOutputs = 16;

/// The sum of a few uniform numbers in [-1, 1): near enough to normal, and the same everywhere.
float bell(Draw& draw) {
  int64_t sum = 0;
  for (int i = 0; i < 6; ++i) sum += draw.between(-1 << 20, (1 << 20) - 1);
  return static_cast<float>(sum) / (1 << 20);
}

Graph direct(int64_t channels) {
  Graph g("direct");
  const Expr x = ir::input(g, "x", {DType::f32, {2, channels, 8, 8}});
  const Expr w = ir::input(g, "w", {DType::f32, {kOutputs, channels, 3, 3}});
  g.output("y", ir::conv2d(x, w).id);
  return g;
}

Graph by_tiles(int64_t channels, int64_t tile) {
  Graph g("by_tiles");
  const Expr x = ir::input(g, "x", {DType::f32, {2, channels, 8, 8}});
  const Expr w = ir::input(g, "w", {DType::f32, {kOutputs, channels, 3, 3}});
  const Expr u = ir::apply(ir::op::winograd_filter, {w}, {{"tile", tile}});
  g.output(
      "y",
      ir::apply(ir::op::winograd_conv2d, {x, u},
                {{"tile", tile}, {"pad", ir::Ints{0, 0, 0, 0}}, {"layout", std::string("nchw")}})
          .id);
  return g;
}

/// The greatest error, as a share of the greatest output.
double error_of(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                const Tensor& exact) {
  const Tensor y = interpret(graph, inputs).outputs.at("y");
  double worst = 0, largest = 0;
  for (int64_t i = 0; i < y.elements(); ++i) {
    worst = std::max(worst, std::fabs(y.data<float>()[i] - exact.data<double>()[i]));
    largest = std::max(largest, std::fabs(exact.data<double>()[i]));
  }
  return worst / largest;
}

TEST(Winograd, IsAboutAsExactAsTheDirectConvolution) {
  for (int64_t channels : {16, 64, 256}) {
    for (const bool rectified : {false, true}) {
      Draw draw(static_cast<uint64_t>(channels) + (rectified ? 1 : 0));
      std::map<std::string, Tensor> inputs = {
          {"x", Tensor(DType::f32, {2, channels, 8, 8})},
          {"w", Tensor(DType::f32, {kOutputs, channels, 3, 3})}};
      for (auto& [name, tensor] : inputs)
        for (int64_t i = 0; i < tensor.elements(); ++i) {
          const float value = bell(draw);
          tensor.data<float>()[i] = rectified && name == "x" ? std::max(value, 0.0F) : value;
        }
      const Tensor exact = interpret(direct(channels), inputs, {}, true).outputs.at("y");
      const double least = error_of(direct(channels), inputs, exact);
      EXPECT_LT(least, 5e-6);
      EXPECT_LT(error_of(by_tiles(channels, 2), inputs, exact), 1.5 * least) << channels;
      EXPECT_LT(error_of(by_tiles(channels, 4), inputs, exact), 4 * least) << channels;
    }
  }
}

}  // namespace
}  // namespace hone::kernels

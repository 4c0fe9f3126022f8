// How far Winograd's transforms move a convolution's outputs: of floats about as much as its own
// rounding, of bytes not at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ir/expr.h"
#include "kernels/draw.h"
#include "kernels/interpreter.h"
#include "kernels/node_check.h"
#include "kernels/problem_values.h"

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

/// Bytes of which all are the least or the greatest.
Tensor extremes(DType dtype, Shape shape, Draw& draw, bool all_alike) {
  Tensor wide(DType::i32, std::move(shape));
  const int32_t low = dtype == DType::u8 ? 0 : -128;
  for (int64_t i = 0; i < wide.elements(); ++i)
    wide.data<int32_t>()[i] = all_alike ? (dtype == DType::u8 ? 255 : -128)
                                        : low + static_cast<int32_t>(255 * draw.below(2));
  return wide.cast(dtype);
}

Tensor sums(const Tensor& x, const Tensor& w, int64_t pad_value, bool by_tiles) {
  Graph g("g");
  const Expr image = ir::input(g, "x", x.type()), filter = ir::input(g, "w", w.type());
  const ir::Ints pad = {1, 0, 2, 1};
  const std::string layout = "nchw";
  Expr y = image;
  if (by_tiles) {
    const Expr u = ir::apply(ir::op::winograd_filter, {filter}, {{"tile", int64_t{2}}});
    y = ir::apply(
        ir::op::winograd_conv2d, {image, u},
        {{"tile", int64_t{2}}, {"pad", pad}, {"layout", layout}, {"pad_value", pad_value}});
  } else {
    y = ir::apply(ir::op::conv2d, {image, filter},
                  {{"stride", ir::Ints{1, 1}},
                   {"pad", pad},
                   {"dilation", ir::Ints{1, 1}},
                   {"groups", int64_t{1}},
                   {"layout", layout},
                   {"pad_value", pad_value}});
  }
  g.output("y", y.id);
  return interpret(g, {{"x", x}, {"w", w}}).outputs.at("y");
}

// The most channels there may be: all bytes as great as they can be, or each as it comes.
TEST(Winograd, SumsOfBytesAreExact) {
  for (const auto& [dtype, channels] :
       {std::pair(DType::u8, int64_t{1827}), std::pair(DType::i8, int64_t{3640}),
        std::pair(DType::u8, int64_t{5})})
    for (const bool all_alike : {false, true}) {
      Draw draw(static_cast<uint64_t>(channels));
      const Tensor x = extremes(dtype, {1, channels, 5, 4}, draw, all_alike);
      const Tensor w = extremes(DType::i8, {2, channels, 3, 3}, draw, all_alike);
      const int64_t pad_value = dtype == DType::u8 ? 255 : -128;
      EXPECT_TRUE(sums(x, w, pad_value, false).same_bits(sums(x, w, pad_value, true)))
          << name_of(dtype) << " of " << channels << " channels, all alike " << all_alike;
    }
}

// Of so few tiles blocks are cut by the filters, down to a panel and then by lines.
TEST(Winograd, OfFewTiles) {
  const ir::Attrs attrs{
      {"tile", int64_t{2}}, {"pad", ir::Ints{0, 0, 0, 0}}, {"layout", std::string("nhwc")}};
  for (const auto& [x, u] : {std::pair(DType::f32, DType::f32), std::pair(DType::u8, DType::i16)})
    for (const int64_t filters : {16, 130, 400}) {
      Draw draw(static_cast<uint64_t>(filters));
      const NodeCase c(ir::op::winograd_conv2d,
                       random_tensors(draw, {{x, {1, 9, 7, 70}}, {u, {16, 70, filters}}},
                                      Values::plain, {0, 200}),
                       attrs);
      EXPECT_EQ(check_against_reference(c), 1) << filters;
    }
}

// The kernel's 16 bits are enough, too.
TEST(Winograd, TheGreatestBytesDoNotOverflow) {
  for (const DType dtype : {DType::u8, DType::i8}) {
    Draw draw(1);
    const Tensor x = extremes(dtype, {1, 5, 6, 1820}, draw, true);
    Tensor u(DType::i32, {16, 1820, 20});
    std::fill_n(u.data<int32_t>(), u.elements(), -9 * 128);
    const NodeCase c(
        ir::op::winograd_conv2d, {x, u.cast(DType::i16)},
        {{"tile", int64_t{2}}, {"pad", ir::Ints{1, 1, 1, 1}}, {"layout", std::string("nhwc")}});
    EXPECT_EQ(check_against_reference(c), 1);
  }
}

}  // namespace
}  // namespace hone::kernels

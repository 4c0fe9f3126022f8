// Programs in which kernels hand each other lines: that they do, and that the bits are the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "exec/executor.h"
#include "ir/expr.h"
#include "kernels/interpreter.h"
#include "kernels/node_check.h"
#include "kernels/problem_values.h"
#include "passes/pipeline.h"
#include "plan/plan.h"

namespace hone::exec {
namespace {

using ir::Expr;

Expr weight(ir::Graph& g, Shape shape, uint64_t seed, DType dtype = DType::f32) {
  kernels::Draw draw(seed);
  return {&g, g.constant(kernels::random_tensors(draw, {{dtype, std::move(shape)}},
                                                 kernels::Values::plain, {})[0])};
}

int64_t chains_in(const plan::Program& program) {
  return std::count_if(program.steps.begin(), program.steps.end(),
                       [](const plan::Step& step) { return step.kernel_name == "chain"; });
}

void expect_chain(const ir::Graph& graph) {
  kernels::Draw draw(1);
  std::map<std::string, Tensor> inputs;
  for (ir::ValueId v : graph.inputs())
    inputs[graph.producer(v).name] =
        kernels::random_tensors(draw, {graph.type(v)}, kernels::Values::plain, {})[0];
  const Tensor expected = kernels::interpret(graph, inputs).outputs.at("y");
  const ir::Graph lowered = passes::lower(passes::prepare_inference(graph));
  for (int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    const auto program =
        std::make_shared<const plan::Program>(plan::plan(lowered, {default_isa(), threads}));
    if (default_isa() >= Isa::avx2 && passes::PassOptions::from_environment().disabled.empty()) {
      EXPECT_EQ(chains_in(*program), 1) << program->to_text();
    }
    Executor executor(program, &pool);
    StateStore states;
    executor.run(inputs, states);
    EXPECT_TRUE(kernels::equal_bits(executor.output("y"), expected)) << threads << " threads\n"
                                                                     << program->to_text();
  }
}

/// Channels grow and shrink again around depthwise filters, whose lines overlap.
ir::Graph inverted_residual(int64_t samples, int64_t side) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::f32, {samples, 20, side, side}});
  Expr y = ir::relu(ir::conv2d(x, weight(g, {70, 20, 1, 1}, 1)));
  y = ir::conv2d(y, weight(g, {70, 1, 3, 3}, 2), {.pad = {1, 1, 1, 1}, .groups = 70});
  y = ir::relu(y + weight(g, {70, 1, 1}, 3));
  y = ir::conv2d(y, weight(g, {70, 1, 5, 5}, 4), {.pad = {2, 2, 2, 2}, .groups = 70});
  y = ir::conv2d(y, weight(g, {20, 70, 1, 1}, 5)) + x;
  g.output("y", y.id);
  return g;
}

TEST(Chain, OfDepthwiseFilters) {
  expect_chain(inverted_residual(1, 41));
  expect_chain(inverted_residual(3, 23));
}

// Strides, windows that lie in padding, and an epilogue that is a tile program.
TEST(Chain, OfAStemAndItsPooling) {
  for (int64_t samples : {1, 2}) {
    ir::Graph g;
    const Expr x = ir::input(g, "x", {DType::f32, {samples, 3, 90, 70}});
    Expr y = ir::conv2d(x, weight(g, {64, 3, 7, 7}, 1), {.stride = {2, 2}, .pad = {3, 3, 3, 3}});
    y = ir::max_pool2d(ir::tanh(y), {.window = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}});
    g.output("y", y.id);
    expect_chain(g);
  }
}

// Two threads share a fork and a join; one has none to save.
TEST(Chain, OfLayersOfAFewMicroseconds) {
  if (default_isa() < Isa::avx2) GTEST_SKIP() << "no kernel at this level has lines";
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::f32, {1, 1, 28, 28}});
  const Expr y = ir::relu(ir::conv2d(x, weight(g, {32, 1, 3, 3}, 1)));
  g.output("y", ir::max_pool2d(y, {.window = {2, 2}, .stride = {2, 2}}).id);
  const ir::Graph lowered = passes::lower(passes::prepare_inference(g));
  EXPECT_EQ(chains_in(plan::plan(lowered, {default_isa(), 2})), 1);
  EXPECT_EQ(chains_in(plan::plan(lowered, {default_isa(), 1})), 0);
}

// A sample of such a sum is one line, which reads all of the image's.
TEST(Chain, OfAConvolutionAndASumOverItsImage) {
  for (int64_t keep : {0, 1})
    for (int64_t channels : {33, 80}) {
      ir::Graph g;
      const Expr x = ir::input(g, "x", {DType::f32, {5, channels, 40, 30}});
      const Expr y =
          ir::relu(ir::conv2d(x, weight(g, {channels, 1, 5, 5}, 1), {.groups = channels}));
      const ir::Attrs attrs{{"axes", ir::Ints{2, 3}}, {"keep", keep}};
      g.output("y", ir::apply(ir::op::reduce_sum, {y}, attrs).id);
      expect_chain(g);
    }
}

// Other links may follow where height and width are kept.
TEST(Chain, OfAMaximumOverTheImageBetweenOthers) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::f32, {12, 40, 50, 30}});
  const ir::PoolOptions windows{.window = {3, 3}, .stride = {1, 1}, .pad = {1, 1, 1, 1}};
  Expr y = ir::avg_pool2d(x, windows);
  y = ir::apply(ir::op::reduce_max, {y}, {{"axes", ir::Ints{3, 2}}, {"keep", int64_t{1}}});
  y = ir::avg_pool2d(y, windows);
  g.output("y", y.id);
  expect_chain(g);
}

// A last block that reads nothing but padding.
TEST(Chain, OfLinesThatReadNothing) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::f32, {2, 16, 64, 40}});
  Expr y = ir::conv2d(x, weight(g, {64, 16, 1, 1}, 1));
  y = ir::max_pool2d(y, {.window = {2, 2}, .stride = {1, 1}});
  y = ir::max_pool2d(y, {.window = {2, 2}, .stride = {3, 3}, .pad = {0, 0, 4, 0}});
  g.output("y", y.id);
  expect_chain(g);
}

// Lines that are computed in fours and twos.
TEST(Chain, OfTilesOfLines) {
  for (int64_t side : {62, 65}) {
    ir::Graph g;
    const Expr x = ir::input(g, "x", {DType::f32, {2, 16, side, side}});
    const Expr u =
        ir::apply(ir::op::winograd_filter, {weight(g, {48, 16, 3, 3}, 1)}, {{"tile", int64_t{4}}});
    const ir::Attrs padded{
        {"tile", int64_t{4}}, {"pad", ir::Ints{1, 0, 2, 1}}, {"layout", std::string("nchw")}};
    const ir::Attrs close{
        {"tile", int64_t{2}}, {"pad", ir::Ints{0, 0, 0, 0}}, {"layout", std::string("nchw")}};
    Expr y = ir::relu(ir::apply(ir::op::winograd_conv2d, {x, u}, padded));
    const Expr v =
        ir::apply(ir::op::winograd_filter, {weight(g, {40, 48, 3, 3}, 2)}, {{"tile", int64_t{2}}});
    y = ir::apply(ir::op::winograd_conv2d, {y, v}, close);
    y = ir::max_pool2d(y, {.window = {3, 3}, .stride = {2, 2}});
    g.output("y", y.id);
    expect_chain(g);
  }
}

/// While it lives, programs are made for this level.
class AtLevel {
 public:
  explicit AtLevel(Isa isa) : before_(name_of(default_isa())) {
    setenv("HONE_ISA", std::string(name_of(isa)).c_str(), 1);
  }
  ~AtLevel() { setenv("HONE_ISA", before_.c_str(), 1); }
  AtLevel(const AtLevel&) = delete;
  AtLevel& operator=(const AtLevel&) = delete;

 private:
  std::string before_;
};

// Sums of bytes, which lie in a block's own memory until they are bytes again. So many channels for
// so few lines are several blocks of each line.
TEST(Chain, OfBytes) {
  if (available_isas().back() < Isa::avx2) GTEST_SKIP() << "this machine lacks avx2";
  const AtLevel avx2(Isa::avx2);
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::u8, {1, 32, 40, 40}});
  const Expr u = ir::apply(ir::op::winograd_filter, {weight(g, {192, 32, 3, 3}, 1, DType::i8)},
                           {{"tile", int64_t{2}}});
  Expr y = ir::apply(
      ir::op::winograd_conv2d, {x, u},
      {{"tile", int64_t{2}}, {"pad", ir::Ints{1, 1, 1, 1}}, {"layout", std::string("nchw")}});
  y = ir::cast(ir::round(ir::cast(y, DType::f32) * 0.02) + 9.0, DType::u8);
  y = ir::max_pool2d(y, {.window = {2, 2}, .stride = {2, 2}});
  g.output("y", y.id);
  expect_chain(g);
}

/// The bytes that a convolution of bytes becomes, with a bias and a factor for each channel.
Expr bytes_of_conv(Expr x, Expr w, int64_t pad, int64_t stride, int64_t groups) {
  const ir::Attrs attrs{{"stride", ir::Ints{stride, stride}}, {"pad", ir::Ints{pad, pad, pad, pad}},
                        {"dilation", ir::Ints{1, 1}},         {"groups", groups},
                        {"layout", std::string("nchw")},      {"pad_value", int64_t{9}}};
  const Expr sums = ir::apply(ir::op::conv2d, {x, w}, attrs);
  const int64_t channels = x.graph->shape(w.id)[0];
  std::vector<int32_t> bias;
  std::vector<float> factor;
  for (int64_t i = 0; i < channels; ++i) {
    bias.push_back(static_cast<int32_t>(300 * (i % 7) - 900));
    factor.push_back(0.005F + 0.001F * static_cast<float>(i % 11));
  }
  const auto constant = [&](const Tensor& t) { return Expr{x.graph, x.graph->constant(t)}; };
  const Expr shifted = sums + constant(Tensor::from<int32_t>({channels, 1, 1}, bias));
  const Expr scaled =
      ir::cast(shifted, DType::f32) * constant(Tensor::from<float>({channels, 1, 1}, factor));
  return ir::cast(ir::round(scaled) + 9.0, DType::u8);
}

/// Bytes that tiles write, one that is a residual sum, and lines that overlap.
ir::Graph bottleneck_of_bytes(int64_t samples, int64_t stride) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::u8, {samples, 24, 65, 60}});
  Expr y = bytes_of_conv(x, weight(g, {100, 24, 1, 1}, 1, DType::i8), 0, 1, 1);
  y = bytes_of_conv(y, weight(g, {100, 1, 3, 3}, 2, DType::i8), 1, stride, 100);
  y = bytes_of_conv(y, weight(g, {24, 100, 1, 1}, 3, DType::i8), 0, 1, 1);
  if (stride == 1) {
    const Expr sum = (ir::cast(y, DType::f32) - 9.0) * 0.7 + (ir::cast(x, DType::f32) - 4.0) * 0.3;
    y = ir::cast(ir::round(sum * 1.1) + 5.0, DType::u8);
  }
  g.output("y", y.id);
  return g;
}

TEST(Chain, OfConvolutionsOfBytes) {
  if (available_isas().back() < Isa::avx2) GTEST_SKIP() << "this machine lacks avx2";
  for (const Isa isa : available_isas()) {
    if (isa < Isa::avx2 || isa >= Isa::amx) continue;  // their products have no lines
    const AtLevel level(isa);
    for (const auto& [samples, stride] : {std::pair{1, 1}, {2, 1}, {3, 2}})
      expect_chain(bottleneck_of_bytes(samples, stride));
  }
}

}  // namespace
}  // namespace hone::exec

// Which convolutions go by tiles, and that they compute what they did.
#include "passes/winograd.h"

#include <tuple>
#include <utility>
#include <vector>

#include "passes/pass_test_support.h"
#include "passes/pipeline.h"

namespace hone::passes {
namespace {

constexpr std::string_view kBefore = R"(graph g {
  %x = input "x" : f32[N,16,9,10]
  %w = state "w" trainable : f32[24,16,3,3]
  %y = conv2d(%x, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 0, 1, 2], stride=[1, 1]} "conv1"
  output "y" = %y
})";

/// That graph with some of its text replaced.
std::string edited(const std::vector<std::pair<std::string_view, std::string_view>>& edits) {
  std::string text(kBefore);
  for (const auto& [from, to] : edits) text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(WinogradPass, ExchangesAConvolution) {
  expect_pass(winograd, kBefore, R"(graph g {
  %x = input "x" : f32[N,16,9,10]
  %w = state "w" trainable : f32[24,16,3,3]
  %u = winograd_filter(%w) {tile=4} "conv1"
  %y = winograd_conv2d(%x, %u) {layout="nchw", pad=[1, 0, 1, 2], tile=4} "conv1"
  output "y" = %y
})");
}

TEST(WinogradPass, ExchangesAGradient) {
  expect_pass(winograd, R"(graph g {
  %x = input "x" : f32[2,32,9,10]
  %w = state "w" trainable : f32[32,24,3,3]
  %mean, %m2 = moments(%w) {axes=[1, 2, 3], batch=32, shards=1}
  %y = conv2d_grad_input(%x, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 0, 1, 2], shape=[2, 24, 9, 10], stride=[1, 1]} "conv1"
  output "y" = %y
  output "mean" = %mean
})",
              R"(graph g {
  %x = input "x" : f32[2,32,9,10]
  %w = state "w" trainable : f32[32,24,3,3]
  %mean, %m2 = moments(%w) {axes=[1, 2, 3], batch=32, shards=1}
  %u = winograd_filter(%w) {tile=4, gradient=1} "conv1"
  %y = winograd_conv2d(%x, %u) {layout="nchw", pad=[1, 2, 1, 0], tile=4} "conv1"
  output "y" = %y
  output "mean" = %mean
})");
}

/// In double, where rounding does not hide a mistake.
void expect_same_numbers(std::string_view text, int64_t tile) {
  const ir::Graph graph = ir::parse(text), changed = winograd(graph, {});
  const ir::Node& now = changed.producer(changed.outputs()[0].value);
  ASSERT_TRUE(now.is(ir::op::winograd_conv2d));
  EXPECT_EQ(now.attrs.integer("tile"), tile);
  const auto inputs = random_sources(graph, graph.inputs(), kernels::Values::plain, 1);
  const auto states = random_sources(graph, graph.states(), kernels::Values::plain, 2);
  const Tensor a = kernels::interpret(graph, inputs, states, true).outputs.at("y");
  const Tensor b = kernels::interpret(changed, inputs, states, true).outputs.at("y");
  ASSERT_EQ(a.type(), b.type());
  for (int64_t i = 0; i < a.elements(); ++i)
    ASSERT_NEAR(a.data<double>()[i], b.data<double>()[i], 1e-9) << i;
}

TEST(WinogradPass, ComputesTheSameNumbers) {
  for (const auto& [x, w, tile] : {std::tuple("[2,16,9,10]", "[24,16,3,3]", 4),
                                   std::tuple("[1,256,12,10]", "[256,256,3,3]", 2)})
    expect_same_numbers(edited({{"[N,16,9,10]", x}, {"[24,16,3,3]", w}}), tile);
}

TEST(WinogradPass, ComputesTheSameGradient) {
  for (const auto& [pad, dy] :
       {std::pair("[1, 0, 1, 2]", "[2,32,9,10]"), std::pair("[0, 1, 2, 0]", "[2,32,9,9]")}) {
    std::string text = R"(graph g {
  %dy = input "dy" : f32DY
  %w = state "w" trainable : f32[32,24,3,3]
  %y = conv2d_grad_input(%dy, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=PAD, shape=[2, 24, 9, 10], stride=[1, 1]}
  output "y" = %y
})";
    text.replace(text.find("DY"), 2, dy);
    text.replace(text.find("PAD"), 3, pad);
    expect_same_numbers(text, 4);
  }
}

void expect_unchanged(const std::vector<std::pair<std::string_view, std::string_view>>& edits) {
  const std::string text = edited(edits);
  expect_pass(winograd, text, text);
}

TEST(WinogradPass, LeavesOtherConvolutions) {
  expect_unchanged({{"stride=[1, 1]", "stride=[2, 1]"}});
  expect_unchanged({{"dilation=[1, 1]", "dilation=[1, 2]"}});
  expect_unchanged({{"[24,16,3,3]", "[24,16,3,5]"}});
  expect_unchanged({{"[24,16,3,3]", "[24,8,3,3]"}, {"groups=1", "groups=2"}});
  expect_unchanged({{"%w = state \"w\" trainable", "%w = input \"w\""}});
}

// What a filter reads twice of its padding, the gradient would have to leave out.
TEST(WinogradPass, LeavesGradientsOfMuchPadding) {
  constexpr std::string_view kPadded = R"(graph g {
  %dy = input "dy" : f32[2,32,10,10]
  %w = state "w" trainable : f32[32,24,3,3]
  %dx = conv2d_grad_input(%dy, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[3, 1, 0, 1], shape=[2, 24, 9, 10], stride=[1, 1]}
  output "dx" = %dx
})";
  expect_pass(winograd, kPadded, kPadded);
}

ir::ConvDims dims_of(int64_t n, int64_t side, int64_t c, int64_t o) {
  return ir::conv_dims({n, side, side, c}, {o, c, 3, 3},
                       {{"stride", ir::Ints{1, 1}},
                        {"dilation", ir::Ints{1, 1}},
                        {"pad", ir::Ints{1, 1, 1, 1}},
                        {"layout", std::string("nhwc")}});
}

// Few channels are not worth the transforms; many weights for few pixels are not worth their size.
TEST(WinogradPass, ChoosesByTheShapeOfASample) {
  for (int64_t n : {1, 8, 512}) {
    for (const bool change : {false, true}) {
      EXPECT_EQ(winograd_tile(dims_of(n, 56, 1, 32), change), 0);
      EXPECT_EQ(winograd_tile(dims_of(n, 56, 64, 64), change), 4);
      EXPECT_EQ(winograd_tile(dims_of(n, 14, 256, 256), change), 4);
      EXPECT_EQ(winograd_tile(dims_of(n, 10, 256, 256), change), 2);
      EXPECT_EQ(winograd_tile(dims_of(n, 3, 512, 512), change), 0);
      EXPECT_EQ(winograd_tile(dims_of(n, 7, 512, 512), change), change ? 0 : 2);
    }
  }
}

// So many filters pay for tiles in what serves; a step that changes them would transform them anew.
TEST(WinogradPass, TrainsManyFiltersDirectly) {
  const std::vector<std::pair<std::string_view, std::string_view>> many = {
      {"[N,16,9,10]", "[N,512,7,7]"},
      {"[24,16,3,3]", "[512,512,3,3]"},
      {"[1, 0, 1, 2]", "[1, 1, 1, 1]"}};
  std::string text = edited(many);
  const auto convolution_of = [](const ir::Graph& graph) {
    return graph.producer(graph.outputs()[0].value);
  };
  const ir::Node now = convolution_of(winograd(ir::parse(text), {}));
  ASSERT_TRUE(now.is(ir::op::winograd_conv2d));
  EXPECT_EQ(now.attrs.integer("tile"), 2);
  text.insert(text.find("  output"), "  %next = add(%w, %w)\n");
  text.insert(text.rfind('}'), "  update %w = %next\n");
  EXPECT_TRUE(convolution_of(winograd(ir::parse(text), {})).is(ir::op::conv2d));
  EXPECT_TRUE(convolution_of(prepare(ir::parse(text), {})).is(ir::op::conv2d));
}

constexpr std::string_view kBytes = R"(graph g {
  %x = input "x" : u8[1,64,16,16]
  %w = state "w" : i8[64,64,3,3]
  %y = conv2d(%x, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 0, 1, 2], pad_value=7, stride=[1, 1]} "conv1"
  output "y" = %y
})";

// Bytes are multiplied by words where there are no products of bytes; with the same sums, so that
// a choice by the level is one of speed alone.
TEST(WinogradPass, ExchangesAConvolutionOfBytesByTheLevel) {
  const ir::Graph graph = ir::parse(kBytes);
  for (const Isa isa : {Isa::avx2, Isa::avx512}) {
    const ir::Graph changed = winograd(graph, {{}, isa});
    EXPECT_EQ(ir::to_text(changed), ir::to_text(ir::parse(R"(graph g {
  %x = input "x" : u8[1,64,16,16]
  %w = state "w" : i8[64,64,3,3]
  %u = winograd_filter(%w) {tile=2} "conv1"
  %y = winograd_conv2d(%x, %u) {layout="nchw", pad=[1, 0, 1, 2], pad_value=7, tile=2} "conv1"
  output "y" = %y
})"))) << name_of(isa);
    expect_same_bits(graph, changed);
  }
  for (const Isa isa : {Isa::scalar, Isa::avxvnni, Isa::avx512vnni, Isa::amx})
    EXPECT_EQ(ir::to_text(winograd(graph, {{}, isa})), ir::to_text(graph)) << name_of(isa);
}

TEST(WinogradPass, ChoosesBytesByTheShapeOfASample) {
  for (int64_t n : {1, 512}) {
    EXPECT_FALSE(winograd_of_bytes(dims_of(n, 56, 16, 16), DType::u8));
    EXPECT_TRUE(winograd_of_bytes(dims_of(n, 56, 64, 64), DType::u8));
    EXPECT_TRUE(winograd_of_bytes(dims_of(n, 7, 512, 512), DType::u8));
    EXPECT_FALSE(winograd_of_bytes(dims_of(n, 3, 256, 256), DType::u8));
    EXPECT_TRUE(winograd_of_bytes(dims_of(n, 56, 1827, 64), DType::u8));
    EXPECT_FALSE(winograd_of_bytes(dims_of(n, 56, 1828, 64), DType::u8));
    EXPECT_TRUE(winograd_of_bytes(dims_of(n, 56, 3640, 64), DType::i8));
    EXPECT_FALSE(winograd_of_bytes(dims_of(n, 56, 3641, 64), DType::i8));
  }
}

}  // namespace
}  // namespace hone::passes

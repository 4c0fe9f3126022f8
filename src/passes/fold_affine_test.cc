// Folding what follows a contraction into its weight.
#include "passes/fold_affine.h"

#include <fmt/format.h>

#include <cmath>

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

/// Both compute the same numbers: in double, where rounding does not hide a mistake.
void expect_same_numbers(std::string_view text) {
  const ir::Graph graph = ir::parse(text), folded = fold_affine(graph, {});
  const auto inputs = random_sources(graph, graph.inputs(), kernels::Values::plain, 1);
  auto states = random_sources(graph, graph.states(), kernels::Values::plain, 2);
  for (auto& [name, tensor] : states)  // divisors stay away from 0
    for (int64_t i = 0; i < tensor.elements(); ++i)
      tensor.data<float>()[i] = 0.5F + std::fabs(tensor.data<float>()[i]);
  const Tensor a = kernels::interpret(graph, inputs, states, true).outputs.at("y");
  const Tensor b = kernels::interpret(folded, inputs, states, true).outputs.at("y");
  ASSERT_EQ(a.type(), b.type());
  for (int64_t i = 0; i < a.elements(); ++i)
    EXPECT_NEAR(a.data<double>()[i], b.data<double>()[i],
                1e-9 * (1 + std::fabs(a.data<double>()[i])))
        << i << "\n"
        << ir::to_text(folded);
}

// A convolution's operands, and a batch norm's as it broadcasts them.
constexpr std::string_view kOperands = R"(graph g {
  %x = input "x" : f32[2,3,5,5]
  %w = state "w" trainable : f32[4,3,3,3]
  %m = state "mean" : f32[4]
  %s = state "scale" trainable : f32[4]
  %b = state "offset" trainable : f32[4]
  %m4 = reshape(%m) {shape=[1, 4, 1, 1]}
  %s3 = reshape(%s) {shape=[4, 1, 1]}
  %b4 = reshape(%b) {shape=[1, 4, 1, 1]}
)";

TEST(FoldAffine, ABatchNormGoesIntoTheConvolutionBeforeIt) {
  const std::string batch_norm = std::string(kOperands) + R"(
  %c = conv2d(%x, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]} "conv1"
  %d = sub(%c, %m4)
  %e = mul(%d, %s3)
  %y = add(%e, %b4) "norm1"
  output "y" = %y
})";
  expect_pass(fold_affine, batch_norm, std::string(kOperands) + R"(
  %m1 = reshape(%m4) {shape=[4]}
  %n1 = neg(%m1)
  %s1 = reshape(%s3) {shape=[4]}
  %t1 = mul(%n1, %s1)
  %b1 = reshape(%b4) {shape=[4]}
  %o1 = add(%t1, %b1)
  %sw = reshape(%s1) {shape=[4, 1, 1, 1]}
  %fw = mul(%w, %sw)
  %c = conv2d(%x, %fw) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]} "conv1"
  %o3 = reshape(%o1) {shape=[4, 1, 1]}
  %y = add(%c, %o3) "norm1"
  output "y" = %y
})");
  expect_same_numbers(batch_norm);
}

TEST(FoldAffine, EveryKindOfLinkKeepsTheNumbers) {
  for (const std::string_view trans : {"", "trans_b=1"}) {
    const std::string shape = trans.empty() ? "f32[3,4]" : "f32[4,3]";
    expect_same_numbers(fmt::format(R"(graph g {{
  %x = input "x" : f32[5,3]
  %w = state "w" trainable : {}
  %a = state "a" : f32[4]
  %b = state "b" : f32[1,4]
  %k = state "k" : f32[]
  %c = matmul(%x, %w) {{{}}} "dense1"
  %1 = sub(%a, %c)
  %2 = div(%1, %b)
  %3 = add(%k, %2)
  %4 = mul(%a, %3)
  %5 = sub(%4, %k)
  %6 = div(%5, %k)
  %y = add(%6, %b)
  output "y" = %y
}})",
                                    shape, trans));
  }
}

TEST(FoldAffine, WhatIsNoScalingByChannelStays) {
  for (const std::string_view chain : {
           "%y = add(%c, %a)",                      // a bias
           "%y = mul(%c, %v)",                      // from an input
           "%y = mul(%c, %r)",                      // by row
           "%y = div(%a, %c)",                      // the contraction divides
           "%z = mul(%c, %a)\n  %y = add(%z, %c)",  // read twice
           "%z = relu(%c)\n  %y = mul(%z, %a)",     // not affine
       }) {
    const std::string text = fmt::format(R"(graph g {{
  %x = input "x" : f32[4,4]
  %v = input "v" : f32[4]
  %w = state "w" trainable : f32[4,4]
  %a = state "a" : f32[4]
  %r = state "r" : f32[4,1]
  %c = matmul(%x, %w)
  {}
  output "y" = %y
}})",
                                         chain);
    expect_pass(fold_affine, text, text);
  }
}

// The first chain is folded whatever becomes of the second.
TEST(FoldAffine, WhatWouldOverflowStays) {
  const auto text = [](std::string_view first, std::string_view second) {
    return fmt::format(R"(graph g {{
  %x = input "x" : f32[2,2]
  %v = constant [1, 2, 3, 4] : f32[2,2]
  %w = constant [1e30, -2e30, 3, 4] : f32[2,2]
  %h = constant [1e30, 1] : f32[2]
  %k = constant [1e10, 1] : f32[2]
  {}
  {}
  output "y" = %y
}})",
                       first, second);
  };
  const std::string_view finite = "%a = matmul(%x, %v)\n  %b = mul(%a, %k)";
  const std::string_view folded = "%1 = mul(%v, %k)\n  %b = matmul(%x, %1)";
  for (const std::string_view chain : {
           "%c = matmul(%b, %w)\n  %y = mul(%c, %k)",                      // the weight
           "%c = matmul(%b, %v)\n  %d = add(%c, %h)\n  %y = mul(%d, %k)",  // the offset
       })
    expect_pass(fold_affine, text(finite, chain), text(folded, chain));
}

}  // namespace
}  // namespace hone::passes

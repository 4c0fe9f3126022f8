// What is computed again under a limit of memory, and that the bits stay.
#include "passes/recompute.h"

#include "passes/liveness.h"
#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

void expect_recomputed(std::string_view before, int64_t bytes, std::string_view after) {
  const ir::Graph graph = ir::parse("graph g {\n" + std::string(before) + "\n}");
  const ir::Graph result = recompute(graph, bytes);
  EXPECT_EQ(ir::to_text(result), ir::to_text(ir::parse("graph g {\n" + std::string(after) + "}")));
  ir::verify(result, ir::Level::planned);
  expect_same_bits(graph, result);
}

// Values of 1024 bytes: what is read late and is cheap to have again.
constexpr std::string_view kChain = R"(
    %x = input "x" : f32[256]
    %w = state "w" trainable : f32[256]
    %a = exp(%x)
    %b = exp(%a)
    %c = exp(%b)
    %loss = reduce_sum(%c) {axes=[0]}
    %dc = mul(%c, %loss)
    %db = mul(%b, %dc)
    %da = mul(%a, %db)
    output "loss" = %loss
    update %w = %da)";
constexpr std::string_view kSmallerChain = R"(
    %x = input "x" : f32[256]
    %w = state "w" trainable : f32[256]
    %a = exp(%x)
    %b = exp(%a)
    %c = exp(%b)
    %loss = reduce_sum(%c) {axes=[0]}
    %dc = mul(%c, %loss)
    %db = mul(%b, %dc)
    %a2 = exp(%x)
    %da = mul(%a2, %db)
    output "loss" = %loss
    update %w = %da)";

TEST(Recompute, WhatLiesIdleAtThePeakIsComputedAgain) {
  expect_recomputed(kChain, 3 * 1024, kChain);
  expect_recomputed(kChain, 3 * 1024 - 1, kSmallerChain);
}

TEST(Recompute, ComesAsLowAsItCan) { expect_recomputed(kChain, 1, kSmallerChain); }

TEST(Recompute, ALoopOfSeveralResultsIsCutWhereThatIsLess) {
  expect_recomputed(R"(
    %x = input "x" : f32[256]
    %e, %n = fused(%x) {body=graph exp_neg {
      %x = input "x" : f32[256]
      %1 = exp(%x)
      %2 = neg(%x)
      output "y0" = %1
      output "y1" = %2
    }} "loop"
    %s = reduce_sum(%e) {axes=[0]}
    %t = reduce_sum(%n) {axes=[0]}
    output "s" = %s
    output "t" = %t)",
                    1024, R"(
    %x = input "x" : f32[256]
    %e = fused(%x) {body=graph exp_neg {
      %x = input "x" : f32[256]
      %1 = exp(%x)
      output "y0" = %1
    }} "loop"
    %s = reduce_sum(%e) {axes=[0]}
    %n = fused(%x) {body=graph exp_neg {
      %x = input "x" : f32[256]
      %1 = neg(%x)
      output "y0" = %1
    }} "loop"
    %t = reduce_sum(%n) {axes=[0]}
    output "s" = %s
    output "t" = %t)");
}

// A long chain in half of its memory: its values are computed again a stretch at a time, each once
// or twice.
TEST(Recompute, NeighboursShareWhatIsComputedAgain) {
  constexpr int kLength = 16;
  ir::Graph graph = ir::parse(
      "graph g {\n %x = input \"x\" : f32[256]\n"
      " %w = state \"w\" trainable : f32[256]\n}");
  std::vector<ir::ValueId> values = {graph.find_input("x")};
  for (int i = 0; i < kLength; ++i) values.push_back(graph.add(ir::op::tanh, {values.back()}));
  ir::ValueId gradient = graph.add(ir::op::reduce_sum, {values.back()}, {{"axes", ir::Ints{0}}});
  graph.output("loss", gradient);
  for (int i = kLength; i > 0; --i)
    gradient = graph.add(ir::op::mul, {gradient, values[static_cast<size_t>(i)]});
  graph.update(graph.find_state("w"), gradient);
  const int64_t peak = Liveness(graph).peak();
  const ir::Graph half = recompute(graph, peak / 2);
  EXPECT_LE(Liveness(half).peak(), peak / 2);
  EXPECT_LE(half.nodes().size(), graph.nodes().size() + kLength);
  expect_same_bits(graph, half);
}

TEST(Liveness, CountsWhatHasNoMemoryOfItsOwn) {
  const ir::Graph graph = ir::parse("graph g {\n" + std::string(kChain) + "\n}");
  const Liveness live(graph);
  EXPECT_EQ(live.peak(), 3 * 1024);
  EXPECT_EQ(live.peak_at(), 4) << "the third exp, which cannot write over the second";
  EXPECT_EQ(live.bytes(0), 0) << "inputs";
  EXPECT_EQ(live.bytes(8), 0) << "a state's next value";
  EXPECT_EQ(live.readers(2), (std::vector<ir::NodeId>{3, 8}));
  EXPECT_TRUE(live.is_there(2, 5));
  EXPECT_FALSE(live.is_there(4, 7));
}

TEST(Liveness, AReshapeIsWhatItReads) {
  const ir::Graph graph = ir::parse(R"(graph g {
    %x = input "x" : f32[16,16]
    %a = exp(%x)
    %b = reshape(%a) {shape=[256]}
    %s = reduce_sum(%b) {axes=[0]}
    output "s" = %s
  })");
  EXPECT_EQ(Liveness(graph).peak(), 1024);
  EXPECT_EQ(Liveness(graph).readers(1), (std::vector<ir::NodeId>{3}));
}

}  // namespace
}  // namespace hone::passes

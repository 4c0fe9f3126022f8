// Weights as panels. The format depends on this machine's level, so there is no text to compare.
#include "passes/pack_weights.h"

#include <algorithm>

#include "ir/expr.h"
#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

using ir::Expr;

Tensor weight(Shape shape) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<float>()[i] = static_cast<float>(i % 23) - 11.0F;
  return t;
}

int64_t unpacks(const ir::Graph& graph) {
  return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                       [](const ir::Node& n) { return n.is(ir::op::unpack); });
}

/// How many of `weights` constants are packed on this machine.
int64_t at_this_level(int64_t weights) { return default_isa() == Isa::scalar ? 0 : weights; }

TEST(PackWeights, TheGraphComputesTheSameBits) {
  ir::Graph graph("g");
  const Expr x = ir::input(graph, "x", {DType::f32, {3, 6, 6, 5}});
  const Expr filter{&graph, graph.constant(weight({37, 5, 3, 3}), "filter")};
  const Expr y = ir::apply(ir::op::conv2d, {x, filter},
                           {{"stride", ir::Ints{1, 1}},
                            {"pad", ir::Ints{1, 1, 1, 1}},
                            {"dilation", ir::Ints{1, 1}},
                            {"groups", int64_t{1}},
                            {"layout", std::string("nhwc")}});
  const Expr flat = ir::apply(ir::op::reshape, {y}, {{"shape", ir::Ints{3, 36 * 37}}});
  const Expr w1{&graph, graph.constant(weight({36 * 37, 19}), "w1")};
  const Expr w2{&graph, graph.constant(weight({70, 19}), "w2")};
  const Expr hidden = ir::apply(ir::op::matmul, {flat, w1});
  graph.output("y", ir::apply(ir::op::matmul, {hidden, w2}, {{"trans_b", int64_t{1}}}).id);

  const ir::Graph packed = pack_weights(ir::Graph(graph), {});
  ir::verify(packed, ir::Level::imported);
  EXPECT_EQ(unpacks(packed), at_this_level(3)) << ir::to_text(packed);
  expect_same_bits(graph, packed);
}

TEST(PackWeights, AWeightThatIsReadOtherwiseTooStaysAsItIs) {
  ir::Graph graph("g");
  const Expr x = ir::input(graph, "x", {DType::f32, {4, 20}});
  const Expr w{&graph, graph.constant(weight({20, 20}), "w")};
  graph.output("y", ir::apply(ir::op::matmul, {x, w}).id);
  graph.output("z", ir::apply(ir::op::matmul, {x, w}, {{"trans_b", int64_t{1}}}).id);
  const Expr v{&graph, graph.constant(weight({20, 20}), "v")};
  graph.output("u", ir::apply(ir::op::matmul, {x, v}).id);
  graph.output("t", (v + 1.0).id);
  EXPECT_EQ(unpacks(pack_weights(ir::Graph(graph), {})), 0);
}

TEST(PackWeights, ATransposedWeightServesAllItsReaders) {
  ir::Graph graph("g");
  const Expr x = ir::input(graph, "x", {DType::f32, {4, 20}});
  const Expr w{&graph, graph.constant(weight({30, 20}), "w")};
  for (const char* name : {"y", "z"})
    graph.output(name, ir::apply(ir::op::matmul, {x, w}, {{"trans_b", int64_t{1}}}).id);
  EXPECT_EQ(unpacks(pack_weights(ir::Graph(graph), {})), at_this_level(1));
}

}  // namespace
}  // namespace hone::passes

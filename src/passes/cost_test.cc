// Counting work, before and after fusion.
#include "ir/cost.h"

#include <gtest/gtest.h>

#include "ir/expr.h"
#include "passes/pipeline.h"

namespace hone::ir {
namespace {

TEST(Cost, CountsMultiplyAddsTwice) {
  Graph g("net");
  const Expr x = input(g, "x", {DType::f32, {4, 8}});
  const Expr w = constant(g, Tensor(DType::f32, {8, 16}));
  const Expr y = matmul(x, w);
  EXPECT_EQ(flops(g), 2 * 4 * 8 * 16);
  const Expr z = relu(y + 1);
  EXPECT_EQ(flops(g), 2 * 4 * 8 * 16 + 2 * 4 * 16);
  reduce_sum(transpose(z, {1, 0}), {0});
  EXPECT_EQ(flops(g), 2 * 4 * 8 * 16 + 3 * 4 * 16);
}

TEST(Cost, OfAGroupedConvolution) {
  Graph g("net");
  const Expr x = input(g, "x", {DType::f32, {2, 4, 6, 6}});
  const Expr w = constant(g, Tensor(DType::f32, {8, 2, 3, 3}));
  conv2d(x, w, {.groups = 2});
  EXPECT_EQ(flops(g), 2 * (2 * 8 * 4 * 4) * (2 * 3 * 3));
}

TEST(Cost, FusionAndLayoutDoNotChangeIt) {
  Graph g("net");
  const Expr x = input(g, "x", {DType::f32, {2, 4, 6, 6}});
  const Expr w = constant(g, Tensor(DType::f32, {8, 4, 3, 3}));
  const Expr b = constant(g, Tensor(DType::f32, {8, 1, 1}));
  const Expr y = relu(conv2d(x, w) + b);
  g.output("y", (exp(y) * y).id);
  const Graph lowered = passes::lower(g, {});
  for (const Node& node : lowered.nodes()) EXPECT_FALSE(node.is(op::relu)) << "fused";
  EXPECT_EQ(flops(lowered), flops(g));
}

}  // namespace
}  // namespace hone::ir

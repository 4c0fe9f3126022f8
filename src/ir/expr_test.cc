// Building graphs with expressions: which nodes appear, and of which types.
#include "ir/expr.h"

#include <gtest/gtest.h>

namespace hone::ir {
namespace {

std::vector<std::string> ops_of(const Graph& g) {
  std::vector<std::string> names;
  for (const Node& n : g.nodes()) names.emplace_back(n.op->name);
  return names;
}

TEST(Expr, BuildsOneNodePerCall) {
  Graph g;
  const Expr x = input(g, "x", {DType::f32, {kBatch, 4}});
  const Expr w = state(g, "w", {DType::f32, {4, 3}}, true);
  const Expr y = relu(matmul(x, w, false, false, "fc")) * 2;
  EXPECT_EQ(ops_of(g),
            (std::vector<std::string>{"input", "state", "matmul", "relu", "constant", "mul"}));
  EXPECT_EQ(y.type(), (TensorType{DType::f32, {kBatch, 3}}));
  EXPECT_EQ(g.node(2).name, "fc");
}

TEST(Expr, NumbersTakeTheOtherOperandsDtype) {
  Graph g;
  const Expr step = state(g, "step", {DType::i64, {}}, false);
  EXPECT_EQ((step + 1).type(), (TensorType{DType::i64, {}}));
  EXPECT_EQ(equal(0.0f, step).dtype(), DType::boolean);
}

TEST(Expr, MeanDividesByTheBatchAndTheStaticExtents) {
  Graph g;
  const Expr x = input(g, "x", {DType::f32, {kBatch, 4, 5}});
  EXPECT_EQ(reduce_mean(x, {0, 2}).shape(), (Shape{4}));
  EXPECT_EQ(ops_of(g),
            (std::vector<std::string>{"input", "reduce_sum", "dim", "constant", "mul", "div"}));
  EXPECT_EQ(g.node(3).attrs.get<Tensor>("value").data<float>()[0], 5.0f);
}

TEST(Expr, MovementsThatChangeNothingAppendNothing) {
  Graph g;
  const Expr x = input(g, "x", {DType::f32, {kBatch, 4}});
  EXPECT_EQ(reshape(x, {kBatch, 4}).id, x.id);
  EXPECT_EQ(broadcast(x, {kBatch, 4}).id, x.id);
  EXPECT_EQ(cast(x, DType::f32).id, x.id);
  EXPECT_EQ(g.nodes().size(), 1u);
}

TEST(Expr, RefusesOperandsOfTwoGraphs) {
  Graph g, h;
  const Expr a = input(g, "a", {DType::f32, {}});
  const Expr b = input(h, "b", {DType::f32, {}});
  EXPECT_THROW(a + b, Error);
}

}  // namespace
}  // namespace hone::ir

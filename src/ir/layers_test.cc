// The table of layers of small graphs.
#include "ir/layers.h"

#include <gtest/gtest.h>

#include "ir/expr.h"

namespace hone::ir {
namespace {

TEST(Layers, NodesOfOneNameAreOneLayer) {
  Graph g("net");
  const Expr x = input(g, "x", {DType::f32, {1, 2}});
  const Expr w = state(g, "w", {DType::f32, {3, 2}}, true);
  const Expr b = state(g, "b", {DType::f32, {3}}, true);
  const Expr mean = state(g, "mean", {DType::f32, {3}}, false);
  const Expr product = matmul(x, transpose(w, {1, 0}), false, false, "dense");
  const Expr sum = apply(op::add, {product, b}, {}, "dense");
  const Expr shifted = sum - mean;
  g.output("y", exp(reduce_max(relu(shifted, "relu"), {1})).id);

  const std::vector<LayerRow> rows = layers(g);
  ASSERT_EQ(rows.size(), 4);
  EXPECT_EQ(rows[0].name, "dense");
  EXPECT_EQ(rows[0].op, "matmul");
  EXPECT_EQ(rows[0].output.to_string(), "f32[1,3]");
  EXPECT_EQ(rows[0].parameters, 9);
  EXPECT_EQ(rows[0].flops, 2 * 2 * 3 + 3 + 3);
  EXPECT_EQ(rows[1].name, "relu");
  EXPECT_EQ(rows[2].name, "");
  EXPECT_EQ(rows[2].op, "reduce_max");
  EXPECT_EQ(rows[3].op, "exp");
  EXPECT_EQ(rows[3].parameters, 0);
}

TEST(Layers, ASharedParameterCountsOnce) {
  Graph g("net");
  const Expr x = input(g, "x", {DType::f32, {2, 2}});
  const Expr w = state(g, "w", {DType::f32, {2, 2}}, true);
  g.output("y", matmul(matmul(x, w, false, false, "one"), w, false, false, "two").id);
  const std::vector<LayerRow> rows = layers(g);
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].parameters + rows[1].parameters, 4);
}

}  // namespace
}  // namespace hone::ir

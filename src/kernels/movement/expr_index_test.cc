// Indexing composed of gather and scatter_add (ir/expr_index.h), by hand.
#include "ir/expr_index.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/interpreter.h"

namespace hone::kernels {
namespace {

using ir::Expr;

template <class F>
Tensor evaluate(F f) {
  ir::Graph g("g");
  g.output("y", f(g).id);
  return interpret(g, {}).outputs.at("y");
}
Expr floats(ir::Graph& g, Shape shape, const std::vector<float>& values) {
  return ir::constant(g, Tensor::from<float>(std::move(shape), values));
}
Expr indices(ir::Graph& g, Shape shape, const std::vector<int64_t>& values) {
  return ir::constant(g, Tensor::from<int64_t>(std::move(shape), values));
}

TEST(ExprIndex, GathersElements) {
  const auto along = [](int64_t axis, Shape shape, const std::vector<int64_t>& index) {
    return evaluate([&](ir::Graph& g) {
      return ir::gather_elements(floats(g, {3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}),
                                 indices(g, shape, index), axis);
    });
  };
  EXPECT_TRUE(along(0, {2, 3}, {1, 2, 0, 2, 0, 0})
                  .same_bits(Tensor::from<float>({2, 3}, {4, 8, 3, 7, 2, 3})));
  EXPECT_TRUE(along(0, {2, 3}, {-1, -2, 0, -2, 0, 0})
                  .same_bits(Tensor::from<float>({2, 3}, {7, 5, 3, 4, 2, 3})));
  EXPECT_TRUE(along(1, {3, 1}, {3, -4, 2}).same_bits(Tensor::from<float>({3, 1}, {0, 0, 9})));
}

TEST(ExprIndex, GathersSlices) {
  const auto of = [](Shape shape, const std::vector<int64_t>& index, int64_t batch) {
    return evaluate([&](ir::Graph& g) {
      return ir::gather_nd(floats(g, {2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7}), indices(g, shape, index),
                           batch);
    });
  };
  EXPECT_TRUE(of({2, 2}, {0, 1, -1, 0}, 0).same_bits(Tensor::from<float>({2, 2}, {2, 3, 4, 5})));
  EXPECT_TRUE(of({2, 1}, {1, 0}, 1).same_bits(Tensor::from<float>({2, 2}, {2, 3, 4, 5})));
  EXPECT_TRUE(of({2, 3}, {1, 1, 1, 0, 2, 0}, 0).same_bits(Tensor::from<float>({2}, {7, 0})));
}

TEST(ExprIndex, ScattersElements) {
  const auto into = [](bool add) {
    return evaluate([&](ir::Graph& g) {
      return ir::scatter_elements(floats(g, {1, 5}, {1, 2, 3, 4, 5}),
                                  indices(g, {1, 3}, {1, -2, 5}), floats(g, {1, 3}, {10, 20, 30}),
                                  1, add);
    });
  };
  EXPECT_TRUE(into(false).same_bits(Tensor::from<float>({1, 5}, {1, 10, 3, 20, 5})));
  EXPECT_TRUE(into(true).same_bits(Tensor::from<float>({1, 5}, {1, 12, 3, 24, 5})));
}

TEST(ExprIndex, ScattersSlices) {
  const auto into = [](bool add) {
    return evaluate([&](ir::Graph& g) {
      return ir::scatter_nd(floats(g, {3, 2}, {1, 2, 3, 4, 5, 6}), indices(g, {2, 1}, {2, 0}),
                            floats(g, {2, 2}, {10, 20, 30, 40}), add);
    });
  };
  EXPECT_TRUE(into(false).same_bits(Tensor::from<float>({3, 2}, {30, 40, 3, 4, 10, 20})));
  EXPECT_TRUE(into(true).same_bits(Tensor::from<float>({3, 2}, {31, 42, 3, 4, 15, 26})));
}

TEST(ExprIndex, FindsTheMaximaOfAPool) {
  const ir::PoolOptions o{.window = {2, 2}, .stride = {2, 1}, .pad = {0, 1, 0, 0}};
  const auto places = [&](bool rows) {
    return evaluate([&](ir::Graph& g) {
      const ir::MaxPlaces at =
          ir::max_pool2d_places(floats(g, {1, 1, 2, 3}, {-1, -5, NAN, -2, -5, 7}), o);
      return rows ? at.h : at.w;
    });
  };
  EXPECT_TRUE(places(true).same_bits(Tensor::from<int64_t>({1, 1, 1, 3}, {0, 0, 0})));
  EXPECT_TRUE(places(false).same_bits(Tensor::from<int64_t>({1, 1, 1, 3}, {0, 0, 2})));
}

TEST(ExprIndex, NeedsStaticShapes) {
  ir::Graph g("g");
  const Expr x = ir::input(g, "x", {DType::f32, {kBatch, 3}});
  EXPECT_THROW(ir::gather_nd(x, indices(g, {1, 1}, {0})), Error);
  EXPECT_THROW(ir::gather_elements(x, indices(g, {1, 1}, {0}), 1), Error);
}

}  // namespace
}  // namespace hone::kernels

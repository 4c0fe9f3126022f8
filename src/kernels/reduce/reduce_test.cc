// The reductions: what the definitions say, by hand, and the kernels against them.
#include <cmath>

#include "base/error.h"
#include "kernels/node_check.h"

namespace hone::kernels {
namespace {

using ir::Attrs;
using ir::Ints;

struct ReduceShape {
  Shape x;
  Ints axes;
  int64_t batch = 0, shards = 0;  // 0: no such attributes

  Attrs attrs() const {
    Attrs out{{"axes", axes}};
    if (shards > 0) {
      out.set("batch", batch);
      out.set("shards", shards);
    }
    return out;
  }
};

const ReduceShape kShapes[] = {
    {{64, 128}, {0}},
    {{64, 128}, {0}, 64, 4},
    {{67, 33}, {0}, 100, 6},
    {{1, 5}, {0}, 64, 4},
    {{17, 40}, {0}, 64, 4},
    {{64, 10}, {1}},
    {{3, 1000}, {1}},
    {{129, 1}, {1}},
    {{37, 7, 5, 3}, {0, 1, 2}},
    {{37, 7, 5, 3}, {0, 1, 2}, 64, 4},
    {{40, 6, 7, 33}, {0, 1, 2}, 48, 3},
    {{9, 5, 6, 7}, {0, 2, 3}},
    {{37, 5, 6, 7}, {0, 2, 3}, 64, 8},
    {{20, 35, 3, 50}, {0, 2}, 20, 5},
    {{33, 4, 9}, {1, 0}},
    {{6, 9, 4}, {2, 1}},
    {{6, 9, 4}, {2}},
    {{5, 8, 7}, {2, 0}},
    {{300}, {0}},
    {{300}, {0}, 300, 16},
    {{4, 3}, {}},
    {{2, 100, 3}, {1}},
    {{0, 4}, {0}},
    {{0, 4}, {0}, 64, 4},
    {{4, 0}, {0}},
};

TEST(Reduce, KernelsEqualTheReference) {
  uint64_t key = 0;
  for (const ReduceShape& shape : kShapes) {
    for (bool special : {false, true}) {
      const Tensor x = random_tensor(shape.x, ++key, special);
      EXPECT_EQ(check_against_reference({ir::op::reduce_sum, {x}, shape.attrs()}), 1);
      EXPECT_EQ(check_against_reference({ir::op::moments, {x}, shape.attrs()}), 1);
      if (x.elements() == 0) continue;
      EXPECT_EQ(check_against_reference({ir::op::reduce_max, {x}, {{"axes", shape.axes}}}), 1);
    }
  }
}

TEST(Reduce, ArgmaxKernelEqualsTheReference) {
  uint64_t key = 0;
  for (const Shape& shape :
       {Shape{64, 10}, Shape{3, 5, 17}, Shape{2, 1000}, Shape{7, 1}, Shape{16}})
    for (bool special : {false, true})
      EXPECT_EQ(check_against_reference({ir::op::argmax,
                                         {random_tensor(shape, ++key, special)},
                                         {{"axis", int64_t{shape.rank() - 1}}}}),
                1);
}

float sum_of(const std::vector<float>& values, Attrs attrs = {{"axes", Ints{0}}}) {
  const Tensor x = Tensor::from<float>({static_cast<int64_t>(values.size())}, values);
  return by_reference({ir::op::reduce_sum, {x}, std::move(attrs)})[0].data<float>()[0];
}

TEST(ReduceReference, AddsLanesByHalves) {
  // Lanes 0 and 8 meet first, so the large values cancel before the small one is added; a plain
  // ascending sum would lose it.
  std::vector<float> x(16, 0.0f);
  x[0] = 1e8f;
  x[4] = 1.0f;
  x[8] = -1e8f;
  EXPECT_EQ(sum_of(x), 1.0f);
}

TEST(ReduceReference, AddsShardsOverTheTree) {
  // Shards {1e8, 1}, {-1e8, 1}: the first shard rounds its 1 away.
  const std::vector<float> x = {1e8f, 1.0f, -1e8f, 1.0f};
  EXPECT_EQ(sum_of(x), 2.0f);  // one segment: lanes 0 and 2, and 1 and 3, meet
  EXPECT_EQ(sum_of(x, {{"axes", Ints{0}}, {"batch", int64_t{4}}, {"shards", int64_t{2}}}), 0.0f);
}

TEST(ReduceReference, KeepsTheSignOfZero) {
  EXPECT_TRUE(std::signbit(sum_of({-0.0f})));
  EXPECT_TRUE(std::signbit(sum_of({-0.0f, -0.0f})));
  EXPECT_FALSE(std::signbit(sum_of({-0.0f, 0.0f})));
  EXPECT_FALSE(std::signbit(sum_of({})));
  // Absent shards add nothing, not even +0.
  EXPECT_TRUE(std::signbit(
      sum_of({-0.0f}, {{"axes", Ints{0}}, {"batch", int64_t{64}}, {"shards", int64_t{4}}})));
}

TEST(ReduceReference, FollowsTheOrderOfTheAxes) {
  // Both orders put other elements into a lane: seven columns of three rows.
  const Tensor x = random_tensor({3, 7}, 5);
  const Tensor turned = by_reference({ir::op::transpose, {x}, {{"perm", Ints{1, 0}}}})[0];
  const auto sum = [](const Tensor& t, Ints axes) {
    return by_reference({ir::op::reduce_sum, {t}, {{"axes", std::move(axes)}}})[0];
  };
  EXPECT_TRUE(sum(x, {1, 0}).same_bits(sum(turned, {0, 1})));
  EXPECT_FALSE(sum(x, {1, 0}).same_bits(sum(x, {0, 1})));
}

TEST(ReduceReference, SumsIntegersToo) {
  const Tensor x = Tensor::from<int64_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor sum = by_reference({ir::op::reduce_sum, {x}, {{"axes", Ints{0}}}})[0];
  EXPECT_TRUE(sum.same_bits(Tensor::from<int64_t>({3}, {5, 7, 9})));
}

TEST(ReduceReference, MaximumTakesNanAndPositiveZero) {
  const auto max = [](std::vector<float> v) {
    const Tensor x = Tensor::from<float>({static_cast<int64_t>(v.size())}, v);
    return by_reference({ir::op::reduce_max, {x}, {{"axes", Ints{0}}}})[0].data<float>()[0];
  };
  EXPECT_TRUE(std::isnan(max({1, NAN, 3})));
  EXPECT_FALSE(std::signbit(max({-0.0f, 0.0f, -0.0f})));
  EXPECT_TRUE(std::signbit(max({-0.0f, -0.0f})));
  EXPECT_EQ(max({-INFINITY, -INFINITY}), -INFINITY);
}

TEST(ReduceReference, ArgmaxTakesTheFirst) {
  const auto argmax = [](std::vector<float> v) {
    const Tensor x = Tensor::from<float>({static_cast<int64_t>(v.size())}, v);
    return by_reference({ir::op::argmax, {x}, {{"axis", int64_t{0}}}})[0].data<int64_t>()[0];
  };
  EXPECT_EQ(argmax({1, 3, 3}), 1);
  EXPECT_EQ(argmax({1, NAN, NAN, INFINITY}), 1);
  EXPECT_EQ(argmax({-0.0f, 0.0f}), 0);
  const Tensor x = Tensor::from<float>({2, 3}, {1, 5, 2, 4, 5, 1});
  const Tensor column = by_reference({ir::op::argmax, {x}, {{"axis", int64_t{0}}}})[0];
  EXPECT_TRUE(column.same_bits(Tensor::from<int64_t>({3}, {1, 0, 0})));
}

TEST(ReduceReference, MomentsAreThoseOfAnExactSum) {
  const Tensor x = random_tensor({50, 6}, 9);
  for (int64_t shards : {1, 2, 3, 7}) {
    const NodeCase c{ir::op::moments,
                     {x.cast(DType::f64)},
                     {{"axes", Ints{0}}, {"batch", int64_t{64}}, {"shards", shards}}};
    const std::vector<Tensor> found = by_reference(c, true);
    for (int64_t k = 0; k < 6; ++k) {
      double mean = 0, m2 = 0;
      for (int64_t n = 0; n < 50; ++n) mean += static_cast<double>(x.data<float>()[n * 6 + k]) / 50;
      for (int64_t n = 0; n < 50; ++n)
        m2 += std::pow(static_cast<double>(x.data<float>()[n * 6 + k]) - mean, 2);
      EXPECT_NEAR(found[0].data<double>()[k], mean, 1e-9 * std::sqrt(m2));
      EXPECT_NEAR(found[1].data<double>()[k], m2, 1e-12 * m2);
    }
  }
}

TEST(ReduceReference, RefusesWhatHasNoMeaning) {
  const Tensor x = random_tensor({4, 3}, 1);
  const auto sum = [&](Attrs attrs) { by_reference({ir::op::reduce_sum, {x}, std::move(attrs)}); };
  EXPECT_THROW(sum({{"axes", Ints{0, 0}}}), Error);
  EXPECT_THROW(sum({{"axes", Ints{1, 0}}, {"batch", int64_t{4}}, {"shards", int64_t{2}}}), Error);
  EXPECT_THROW(sum({{"axes", Ints{0}}, {"batch", int64_t{3}}, {"shards", int64_t{2}}}), Error);
  EXPECT_THROW(by_reference({ir::op::reduce_max, {Tensor(DType::f32, {0})}, {{"axes", Ints{0}}}}),
               Error);
}

TEST(ReduceReference, SumsOfIntegersWrapAround) {
  const Tensor x = Tensor::from<int32_t>({2}, {INT32_MAX, 2});
  EXPECT_TRUE(by_reference({ir::op::reduce_sum, {x}, {{"axes", Ints{0}}}})[0].same_bits(
      Tensor::from<int32_t>({}, {INT32_MIN + 1})));
}

TEST(Product, IsOneChain) {
  const Tensor x = Tensor::from<float>({2, 3}, {1e30f, 1e30f, 1e-30f, 2, 3, -4});
  EXPECT_TRUE(by_reference({ir::op::reduce_prod, {x}, {{"axes", Ints{1}}}})[0].same_bits(
      Tensor::from<float>({2}, {INFINITY, -24})));
  const Tensor bytes = Tensor::from<uint8_t>({2}, {16, 17});
  EXPECT_TRUE(by_reference({ir::op::reduce_prod, {bytes}, {{"axes", Ints{0}}}})[0].same_bits(
      Tensor::from<uint8_t>({}, {16})));
}

TEST(Cumsum, RunsEitherWay) {
  const Tensor x = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto sums = [&](int64_t axis, int64_t exclusive, int64_t reverse) {
    return by_reference(
        {ir::op::cumsum, {x}, {{"axis", axis}, {"exclusive", exclusive}, {"reverse", reverse}}})[0];
  };
  EXPECT_TRUE(sums(1, 0, 0).same_bits(Tensor::from<float>({2, 3}, {1, 3, 6, 4, 9, 15})));
  EXPECT_TRUE(sums(1, 1, 1).same_bits(Tensor::from<float>({2, 3}, {5, 3, 0, 11, 6, 0})));
  EXPECT_TRUE(sums(0, 1, 0).same_bits(Tensor::from<float>({2, 3}, {0, 0, 0, 1, 2, 3})));
}

TEST(TopK, IsStableAndTakesNanAsTheGreatest) {
  const Tensor x = Tensor::from<float>({5}, {1, 3, NAN, 3, -2});
  const auto top = [&](int64_t k, int64_t largest) {
    return by_reference(
        {ir::op::topk, {x}, {{"axis", int64_t{0}}, {"k", k}, {"largest", largest}}});
  };
  EXPECT_TRUE(equal_bits(top(3, 1)[0], Tensor::from<float>({3}, {NAN, 3, 3})));
  EXPECT_TRUE(top(3, 1)[1].same_bits(Tensor::from<int64_t>({3}, {2, 1, 3})));
  EXPECT_TRUE(equal_bits(top(5, 0)[0], Tensor::from<float>({5}, {-2, 1, 3, 3, NAN})));
  EXPECT_TRUE(top(5, 0)[1].same_bits(Tensor::from<int64_t>({5}, {4, 0, 1, 3, 2})));
  const Tensor columns = Tensor::from<int32_t>({2, 2}, {1, 4, 3, 2});
  EXPECT_TRUE(by_reference({ir::op::topk,
                            {columns},
                            {{"axis", int64_t{0}}, {"k", int64_t{1}}, {"largest", int64_t{1}}}})[1]
                  .same_bits(Tensor::from<int64_t>({1, 2}, {1, 0})));
}

}  // namespace
}  // namespace hone::kernels

// The movements: what the references give, by hand, and the kernels against them.
#include <numeric>

#include "kernels/node_check.h"

namespace hone::kernels {
namespace {

using ir::Attrs;
using ir::Ints;

Tensor counting(DType dtype, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  std::iota(values.begin(), values.end(), 0.0f);
  return Tensor::from<float>(shape, values).cast(dtype);
}

// Every dtype in every movement, and both precisions: the same elements in the same places.
void check(const ir::OpSpec& op, const Shape& shape, const Attrs& attrs, size_t operands = 1) {
  const auto node = [&](DType dtype) {
    return NodeCase(op, std::vector<Tensor>(operands, counting(dtype, shape)), attrs);
  };
  for (DType dtype : {DType::f32, DType::i64, DType::u8})
    EXPECT_EQ(check_against_reference(node(dtype)), 1) << op.name << ' ' << shape.to_string();
  const Tensor wide = by_reference(node(DType::f64), true)[0];
  EXPECT_TRUE(wide.cast(DType::f32).same_bits(by_reference(node(DType::f32))[0])) << op.name;
}

TEST(Movement, KernelsEqualTheReference) {
  check(ir::op::reshape, {4, 6}, {{"shape", Ints{0, 3, 2}}});
  check(ir::op::reshape, {0, 6}, {{"shape", Ints{0, 2, 3}}});
  const std::pair<Shape, Ints> transposes[] = {
      {{5, 7}, {1, 0}},
      {{64, 128}, {1, 0}},
      {{200, 300}, {1, 0}},
      {{3, 28, 28, 32}, {0, 3, 1, 2}},
      {{3, 32, 13, 13}, {0, 2, 3, 1}},
      {{8, 1, 28, 28}, {0, 2, 3, 1}},
      {{16, 24, 3, 3}, {2, 3, 1, 0}},
      {{3, 3, 24, 17}, {3, 2, 0, 1}},
      {{2, 3, 4, 5, 6}, {4, 2, 0, 3, 1}},
      {{9, 4, 5}, {1, 0, 2}},
      {{9}, {0}},
      {{0, 3}, {1, 0}},
      {{}, {}},
  };
  for (const auto& [shape, perm] : transposes) check(ir::op::transpose, shape, {{"perm", perm}});
  const std::pair<Shape, Ints> broadcasts[] = {
      {{10}, {64, 10}},  {{64, 1}, {64, 10}},          {{}, {3, 4}},
      {{3, 3}, {3, 3}},  {{5, 1, 1}, {2, 5, 30, 40}},  {{1, 7, 1}, {6, 7, 5}},
      {{1, 1}, {4, 16}}, {{4, 1, 3, 1}, {4, 2, 3, 5}}, {{1}, {0}},
  };
  for (const auto& [shape, to] : broadcasts) check(ir::op::broadcast, shape, {{"shape", to}});
  for (int64_t axis : {0, 1, 2}) {
    check(ir::op::concat, {4, 5, 3}, {{"axis", axis}}, 3);
    check(ir::op::slice, {4, 5, 3}, {{"axis", axis}, {"begin", int64_t{1}}, {"end", int64_t{3}}});
    check(ir::op::slice, {4, 5, 3}, {{"axis", axis}, {"begin", int64_t{2}}, {"end", int64_t{2}}});
    check(ir::op::pad, {4, 5, 3}, {{"axis", axis}, {"before", int64_t{2}}, {"after", int64_t{1}}});
    check(ir::op::pad, {4, 5, 3}, {{"axis", axis}, {"before", int64_t{0}}, {"after", int64_t{0}}});
  }
  check(ir::op::concat, {5, 1}, {{"axis", int64_t{1}}}, 2);
  check(ir::op::concat, {300, 200}, {{"axis", int64_t{1}}}, 2);
  check(ir::op::dim, {4, 5, 3}, {{"axis", int64_t{1}}});
}

TEST(Movement, ReferencesByHand) {
  const Tensor x = Tensor::from<int32_t>({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto apply = [&](const ir::OpSpec& op, Attrs attrs) {
    return by_reference({op, {x}, std::move(attrs)})[0];
  };
  EXPECT_TRUE(apply(ir::op::transpose, {{"perm", Ints{1, 0}}})
                  .same_bits(Tensor::from<int32_t>({3, 2}, {1, 4, 2, 5, 3, 6})));
  EXPECT_TRUE(
      apply(ir::op::slice, {{"axis", int64_t{1}}, {"begin", int64_t{1}}, {"end", int64_t{3}}})
          .same_bits(Tensor::from<int32_t>({2, 2}, {2, 3, 5, 6})));
  EXPECT_TRUE(
      apply(ir::op::pad, {{"axis", int64_t{1}}, {"before", int64_t{1}}, {"after", int64_t{0}}})
          .same_bits(Tensor::from<int32_t>({2, 4}, {0, 1, 2, 3, 0, 4, 5, 6})));
  EXPECT_TRUE(
      apply(ir::op::broadcast, {{"shape", Ints{2, 2, 3}}})
          .same_bits(Tensor::from<int32_t>({2, 2, 3}, {1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6})));
  EXPECT_TRUE(by_reference({ir::op::concat, {x, x}, {{"axis", int64_t{1}}}})[0].same_bits(
      Tensor::from<int32_t>({2, 6}, {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6})));
  EXPECT_EQ(apply(ir::op::dim, {{"axis", int64_t{1}}}).data<float>()[0], 3.0f);
}

TEST(Movement, PlainCopiesMayShareMemory) {
  const auto in_place = [](const ir::OpSpec& op, const Shape& shape, Attrs attrs) {
    const NodeCase c(op, {counting(DType::f32, shape)}, std::move(attrs));
    for (const KernelRow& row : kernel_rows())
      if (row.op == &op)
        return row.in_place(
            {&c.node, c.operand_types(), c.result_types(), available_isas().back(), 1}, 0, 0);
    return false;
  };
  EXPECT_TRUE(in_place(ir::op::reshape, {4, 6}, {{"shape", Ints{24}}}));
  EXPECT_TRUE(in_place(ir::op::transpose, {8, 1, 3, 3}, {{"perm", Ints{0, 2, 3, 1}}}));
  EXPECT_FALSE(in_place(ir::op::transpose, {8, 2, 3, 3}, {{"perm", Ints{0, 2, 3, 1}}}));
  EXPECT_FALSE(in_place(ir::op::broadcast, {4}, {{"shape", Ints{2, 4}}}));
}

TEST(OneHot, ZerosWhereOutOfRange) {
  const Tensor index = Tensor::from<int64_t>({4}, {2, -1, 3, 0});
  const NodeCase c{ir::op::one_hot, {index}, {{"depth", int64_t{3}}}};
  EXPECT_TRUE(by_reference(c)[0].same_bits(
      Tensor::from<float>({4, 3}, {0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0})));
  EXPECT_EQ(check_against_reference(c), 1);
  EXPECT_EQ(check_against_reference({ir::op::one_hot, {index}, {{"depth", int64_t{0}}}}), 1);
}

NodeCase uniform(const Ints& shape, int64_t step = 7) {
  return {ir::op::random_uniform,
          {Tensor::scalar_i64(1234567890123), Tensor::scalar_i64(step)},
          {{"shape", shape}, {"key", int64_t{-99}}}};
}

TEST(RandomUniform, KernelEqualsTheReference) {
  for (const Ints& shape : {Ints{}, Ints{1}, Ints{37}, Ints{64, 128}, Ints{5, 3, 7}, Ints{300, 130},
                            Ints{4, 0}, Ints{0, 4}, Ints{2, 9, 9, 8}})
    EXPECT_EQ(check_against_reference(uniform(shape)), 1);
}

TEST(RandomUniform, IsUniformAndKeyedByStepAndRow) {
  const Tensor draws = by_reference(uniform({100, 1000}))[0];
  double sum = 0;
  for (int64_t i = 0; i < draws.elements(); ++i) {
    const float u = draws.data<float>()[i];
    ASSERT_TRUE(u >= 0.0f && u < 1.0f);
    sum += u;
  }
  EXPECT_NEAR(sum / 1e5, 0.5, 0.005);  // five standard deviations
  // A row does not depend on how many rows there are; it does on the step.
  EXPECT_TRUE(draws.rows(0, 50).same_bits(by_reference(uniform({50, 1000}))[0]));
  EXPECT_FALSE(draws.same_bits(by_reference(uniform({100, 1000}, 8))[0]));
  EXPECT_FALSE(draws.rows(0, 1).same_bits(draws.rows(1, 2)));
}

TEST(Gather, ReadsFromTheEndAndZerosWhereOutOfRange) {
  const Tensor x = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor index = Tensor::from<int64_t>({2, 2}, {2, -3, 3, -4});
  const NodeCase columns{ir::op::gather, {x, index}, {{"axis", int64_t{1}}}};
  EXPECT_TRUE(
      by_reference(columns)[0].same_bits(Tensor::from<float>({2, 2, 2}, {3, 1, 0, 0, 6, 4, 0, 0})));
  EXPECT_EQ(check_against_reference(columns), 1);
  const NodeCase row{ir::op::gather, {x, Tensor::scalar_i64(-1)}, {{"axis", int64_t{0}}}};
  EXPECT_TRUE(by_reference(row)[0].same_bits(Tensor::from<float>({3}, {4, 5, 6})));
  EXPECT_EQ(check_against_reference(row), 1);
  const NodeCase empty{ir::op::gather, {x, Tensor(DType::i64, {0})}, {{"axis", int64_t{0}}}};
  EXPECT_EQ(check_against_reference(empty), 1);
}

TEST(ScatterAdd, AddsInOrderPerShard) {
  // In one shard the great numbers cancel first; in two, each swallows its neighbour.
  const Tensor updates = Tensor::from<float>({4, 1}, {1e8f, -1e8f, 1, 1});
  const Tensor index = Tensor::from<int64_t>({4}, {1, 1, 1, -1});
  Attrs attrs{{"axis", int64_t{0}}, {"shape", Ints{2, 1}}};
  EXPECT_TRUE(by_reference({ir::op::scatter_add, {updates, index}, attrs})[0].same_bits(
      Tensor::from<float>({2, 1}, {0, 2})));
  const Tensor turned = Tensor::from<float>({4, 1}, {1e8f, 1, -1e8f, 1});
  attrs.set("batch", int64_t{4});
  attrs.set("shards", int64_t{2});
  EXPECT_TRUE(by_reference({ir::op::scatter_add, {turned, index}, attrs})[0].same_bits(
      Tensor::from<float>({2, 1}, {0, 0})));
  const Tensor outside = Tensor::from<int64_t>({4}, {2, -3, 5, 0});
  EXPECT_TRUE(by_reference({ir::op::scatter_add, {turned, outside}, attrs})[0].same_bits(
      Tensor::from<float>({2, 1}, {1, 0})));
}

}  // namespace
}  // namespace hone::kernels

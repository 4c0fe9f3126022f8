// Pooling where a value decides: ties, NaN, signed zeros and overlapping windows; and, bit for bit,
// shapes that the random cases of bits_test.cc do not reach.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/node_check.h"

namespace hone::kernels {
namespace {

using ir::Attrs;
using ir::Ints;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Attrs pool_attrs(Ints window, Ints stride, Ints pad, std::string layout = "nhwc") {
  return {{"window", window}, {"stride", stride}, {"pad", pad}, {"layout", std::move(layout)}};
}

// A row of places with one channel, pooled by 1 x `window`.
Attrs row_attrs(int64_t window, int64_t stride, int64_t pad = 0) {
  return pool_attrs({1, window}, {1, stride}, {0, pad, 0, pad});
}
Tensor row(const std::vector<float>& values) {
  return Tensor::from<float>({1, 1, static_cast<int64_t>(values.size()), 1}, values);
}
// Checks the kernels and the reference against what docs/numerics.md says.
void expect_row(const ir::OpSpec& op, std::vector<Tensor> in, const Attrs& attrs,
                const std::vector<float>& expected) {
  const NodeCase c(op, std::move(in), attrs);
  EXPECT_TRUE(equal_bits(by_reference(c)[0], row(expected))) << op.name;
  EXPECT_EQ(check_against_reference(c), 1);
}

TEST(MaxPool, NanWinsAndTheFirstOfEqualsIsTheMaximum) {
  expect_row(ir::op::max_pool2d, {row({1, kNan, 2, 3, -0.0f, 0.0f, 0.0f, -0.0f})}, row_attrs(2, 2),
             {kNan, 3, -0.0f, 0.0f});
}

TEST(MaxPool, PaddingNeverWins) {
  expect_row(ir::op::max_pool2d, {row({-1, -2, -3})}, row_attrs(2, 2, 1), {-1, -2});
}

TEST(MaxPoolGrad, GoesToTheFirstMaximum) {
  expect_row(ir::op::max_pool2d_grad, {row({2, 2, kNan, kNan, 5, kNan}), row({10, 20, 30})},
             row_attrs(2, 2), {10, 0, 20, 0, 0, 30});
}

TEST(MaxPoolGrad, AddsOverlappingWindowsFromPlusZero) {
  expect_row(ir::op::max_pool2d_grad, {row({1, 9, 1, -0.0f}), row({1, 2, -0.0f})}, row_attrs(2, 1),
             {0, 3, 0, 0});
}

TEST(AvgPool, CountsPaddingOnlyIfAsked) {
  Attrs attrs = row_attrs(2, 2, 1);
  attrs.set("count_pad", int64_t{0});
  expect_row(ir::op::avg_pool2d, {row({4, 6, -0.0f})}, attrs, {4, 3});
  attrs.set("count_pad", int64_t{1});
  expect_row(ir::op::avg_pool2d, {row({-0.0f, 6, 8})}, attrs, {-0.0f, 7});
}

TEST(AvgPoolGrad, SharesTheGradient) {
  Attrs attrs = row_attrs(2, 1);
  attrs.set("count_pad", int64_t{0});
  attrs.set("shape", Ints{1, 1, 3, 1});
  expect_row(ir::op::avg_pool2d_grad, {row({2, 4})}, attrs, {1, 3, 2});
}

TEST(Pooling, LayersOfCnn) {
  const Attrs attrs = pool_attrs({2, 2}, {2, 2}, {0, 0, 0, 0});
  for (const Shape& x : {Shape{3, 26, 26, 32}, Shape{3, 11, 11, 64}, Shape{1, 11, 11, 75}})
    for (bool special : {false, true}) {
      const NodeCase forward(ir::op::max_pool2d, {random_tensor(x, 1, special)}, attrs);
      const Tensor dy = random_tensor(forward.result_types()[0].shape, 2, special);
      EXPECT_EQ(check_against_reference(forward), 1);
      EXPECT_EQ(
          check_against_reference({ir::op::max_pool2d_grad, {forward.operands[0], dy}, attrs}), 1);
    }
}

// Items of many channels: vectors by fours, on their own, and the tail of a pixel.
TEST(Pooling, OfManyChannels) {
  const Shape x{16, 5, 5, 2 * 64 + 16 + 5};
  for (bool special : {false, true}) {
    const Tensor image = random_tensor(x, 1, special);
    Attrs attrs = pool_attrs({3, 3}, {2, 2}, {1, 0, 1, 0});
    const NodeCase forward(ir::op::max_pool2d, {image}, attrs);
    const Tensor dy = random_tensor(forward.result_types()[0].shape, 2, special);
    EXPECT_EQ(check_against_reference(forward), 1);
    EXPECT_EQ(check_against_reference({ir::op::max_pool2d_grad, {image, dy}, attrs}), 1);
    attrs.set("count_pad", int64_t{0});
    EXPECT_EQ(check_against_reference({ir::op::avg_pool2d, {image}, attrs}), 1);
    attrs.set("shape", Ints{x[0], x[1], x[2], x[3]});
    EXPECT_EQ(check_against_reference({ir::op::avg_pool2d_grad, {dy}, attrs}), 1);
  }
}

TEST(Pooling, OverTheWholeImage) {
  Attrs attrs = pool_attrs({8, 8}, {1, 1}, {0, 0, 0, 0});
  attrs.set("count_pad", int64_t{0});
  EXPECT_EQ(check_against_reference({ir::op::avg_pool2d, {random_tensor({4, 8, 8, 70}, 1)}, attrs}),
            1);
  attrs.set("shape", Ints{4, 8, 8, 70});
  EXPECT_EQ(
      check_against_reference({ir::op::avg_pool2d_grad, {random_tensor({4, 1, 1, 70}, 1)}, attrs}),
      1);
}

TEST(Pooling, RefusesNchw) {
  const NodeCase c(ir::op::max_pool2d, {random_tensor({1, 2, 4, 4}, 1)},
                   pool_attrs({2, 2}, {2, 2}, {0, 0, 0, 0}, "nchw"));
  EXPECT_EQ(check_against_reference(c), 0);
}

TEST(Pooling, AWindowMayLieWhollyInPadding) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  Attrs attrs = row_attrs(2, 2, 2);
  expect_row(ir::op::max_pool2d, {row({-1, -2})}, attrs, {-kInf, -1, -kInf});
  expect_row(ir::op::max_pool2d_grad, {row({-1, -2}), row({5, 6, 7})}, attrs, {6, 0});
  for (int64_t count_pad : {0, 1}) {
    attrs.set("count_pad", count_pad);
    attrs.erase("shape");
    expect_row(ir::op::avg_pool2d, {row({-1, -2})}, attrs, {0, -1.5f, 0});
    attrs.set("shape", Ints{1, 1, 2, 1});
    expect_row(ir::op::avg_pool2d_grad, {row({5, 6, 7})}, attrs, {3, 3});
  }
}

TEST(Pooling, PlacesMayLieApart) {
  Attrs attrs = row_attrs(2, 1, 1);
  attrs.set("dilation", Ints{1, 3});
  expect_row(ir::op::max_pool2d, {row({5, 1, 2, 3, 4})}, attrs, {2, 5, 4, 2});
  attrs.set("count_pad", int64_t{0});
  expect_row(ir::op::avg_pool2d, {row({5, 1, 2, 3, 4})}, attrs, {2, 4, 2.5f, 2});
}

}  // namespace
}  // namespace hone::kernels

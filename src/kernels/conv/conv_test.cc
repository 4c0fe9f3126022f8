// The three ops of conv.direct on shapes that the random cases of bits_test.cc do not reach: layers
// of real networks with full tiles, filters that read only padding, short batches and shards.
#include <gtest/gtest.h>

#include "kernels/conv/geometry.h"
#include "kernels/node_check.h"

namespace hone::kernels {
namespace {

using ir::Attrs;
using ir::Ints;

struct Filter {
  Shape x, w;  // NHWC and OIHW
  Ints stride{1, 1}, pad{0, 0, 0, 0}, dilation{1, 1};
  int64_t groups = 1;
  int64_t batch = 1, shards = 1;  // of the sum over samples

  Attrs attrs() const {
    return {{"stride", stride},
            {"pad", pad},
            {"dilation", dilation},
            {"groups", groups},
            {"layout", std::string("nhwc")}};
  }
};

void check(const Filter& f, bool special) {
  const Attrs attrs = f.attrs();
  const Tensor x = random_tensor(f.x, 1, special);
  const Tensor w = random_tensor(f.w, 2, special);
  const NodeCase forward(ir::op::conv2d, {x, w}, attrs);
  const Tensor dy = random_tensor(forward.result_types()[0].shape, 3, special);
  EXPECT_EQ(check_against_reference(forward), 1);

  Attrs grad_input = attrs;
  grad_input.set("shape", f.x.dims());
  EXPECT_EQ(check_against_reference({ir::op::conv2d_grad_input, {dy, w}, grad_input}), 1);

  Attrs grad_weight = attrs;
  grad_weight.set("shape", f.w.dims());
  grad_weight.set("batch", std::max(f.batch, f.x[0]));
  grad_weight.set("shards", f.shards);
  EXPECT_EQ(check_against_reference({ir::op::conv2d_grad_weight, {x, dy}, grad_weight}), 1);
}

void check_both(const Filter& f) {
  SCOPED_TRACE("x " + f.x.to_string() + ", w " + f.w.to_string());
  check(f, false);
  check(f, true);
}

TEST(ConvDirect, LayersOfCnn) {
  check_both({.x = {3, 28, 28, 1}, .w = {32, 1, 3, 3}, .shards = 3});
  check_both({.x = {2, 13, 13, 32}, .w = {64, 32, 3, 3}, .shards = 2});
}

TEST(ConvDirect, LayersOfResnets) {
  const Ints one(4, 1);
  check_both({.x = {2, 8, 8, 24}, .w = {40, 24, 3, 3}, .pad = one});
  check_both({.x = {2, 12, 12, 16}, .w = {32, 16, 3, 3}, .stride = {2, 2}, .pad = one});
  check_both({.x = {1, 20, 20, 3}, .w = {20, 3, 7, 7}, .stride = {2, 2}, .pad = Ints(4, 3)});
  check_both({.x = {2, 5, 5, 70}, .w = {130, 70, 1, 1}});
  check_both({.x = {2, 5, 5, 20}, .w = {9, 20, 1, 1}, .stride = {2, 2}});
}

TEST(ConvDirect, Groups) {
  const Ints one(4, 1);
  check_both({.x = {2, 9, 9, 75}, .w = {75, 1, 3, 3}, .pad = one, .groups = 75, .shards = 2});
  check_both({.x = {2, 6, 6, 7}, .w = {14, 1, 3, 3}, .pad = one, .groups = 7});
  check_both({.x = {2, 6, 6, 40}, .w = {36, 20, 3, 3}, .pad = one, .groups = 2});
}

// More taps than a chunk of the chain has, which ends within a row of the filter.
TEST(ConvDirect, TallDepthwiseFilters) {
  check_both({.x = {1, 90, 8, 20}, .w = {20, 1, 87, 3}, .groups = 20});
  check_both({.x = {1, 54, 9, 20}, .w = {20, 1, 53, 5}, .groups = 20});
}

TEST(ConvDirect, FiltersThatReadOnlyPadding) {
  check_both({.x = {2, 2, 3, 2},
              .w = {3, 2, 2, 2},
              .stride = {1, 3},
              .pad = {4, 5, 6, 3},
              .dilation = {3, 2}});
}

TEST(ConvDirect, EmptyBatch) { check_both({.x = {0, 4, 4, 2}, .w = {3, 2, 2, 2}}); }

TEST(ConvDirect, ShortBatchesOfShards) {
  for (int64_t n : {1, 7, 33, 50})
    check({.x = {n, 4, 5, 3}, .w = {5, 3, 2, 3}, .pad = {0, 1, 1, 0}, .batch = 50, .shards = 13},
          false);
}

TEST(ConvDirect, RefusesWhatItCannotDo) {
  NodeCase c(ir::op::conv2d, {random_tensor({1, 4, 4, 2}, 1), random_tensor({4, 2, 3, 3}, 2)},
             Filter{}.attrs());
  const KernelRow* direct = nullptr;
  for (const KernelRow& row : kernel_rows())
    if (row.name == "conv.direct" && row.op == &ir::op::conv2d) direct = &row;
  ASSERT_NE(direct, nullptr);
  EXPECT_EQ(direct->refuse({&c.node, c.operand_types(), c.result_types()}), "");
  c.operands[0] = c.operands[0].cast(DType::f64);
  c.operands[1] = c.operands[1].cast(DType::f64);
  EXPECT_EQ(direct->refuse({&c.node, c.operand_types(), c.result_types()}), "operands are not f32");
  c = {ir::op::conv2d,
       {random_tensor({1, 2, 4, 4}, 1), random_tensor({4, 2, 3, 3}, 2)},
       c.node.attrs};
  c.node.attrs.set("layout", std::string("nchw"));
  EXPECT_EQ(direct->refuse({&c.node, c.operand_types(), c.result_types()}), "layout is not nhwc");
}

// A filter of 3 with stride 2 and padding 1 over 6 places: inputs at even places are read by the
// middle tap only, the others by the first and the last, but for the last place.
TEST(ConvGeometry, InputClassesOfAStridedFilter) {
  const std::vector<AxisClass> classes = input_classes({3, 2, 1, 1}, 6, 3);
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[0].taps, (std::vector<AxisClass::Tap>{{1, 0}}));
  EXPECT_EQ(classes[0].places.size(), 3u);
  EXPECT_EQ(classes[1].taps, (std::vector<AxisClass::Tap>{{0, 0}, {2, -1}}));
  EXPECT_EQ(classes[1].places[1].result, 3);
  EXPECT_EQ(classes[1].places[1].source, 2);
  EXPECT_EQ(classes[2].taps, (std::vector<AxisClass::Tap>{{2, 0}}));
  EXPECT_EQ(classes[2].places[0].result, 5);
}

TEST(ConvGeometry, OutputsOfATap) {
  const AxisFilter filter{3, 2, 1, 1};
  EXPECT_EQ(outputs_of_tap(filter, 0, 6, 3), (Range{1, 3}));
  EXPECT_EQ(outputs_of_tap(filter, 1, 6, 3), (Range{0, 3}));
  EXPECT_EQ(outputs_of_tap({1, 1, 3, 1}, 0, 2, 8), (Range{3, 5}));
}

}  // namespace
}  // namespace hone::kernels

// conv.direct against the scalar reference, bit for bit: random filters with tails, asymmetric
// padding, dilation, groups, short shards and values that betray a multiplication by padding.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "ir/graph.h"
#include "kernels/families.h"
#include "kernels/interpreter.h"

namespace hone::kernels {
namespace {

using ir::Attrs;
using ir::Ints;

enum class Data { normal, special };

struct Filter {
  int64_t n, h, w, groups, group_c, group_o, kh, kw;
  Ints stride{1, 1}, pad{0, 0, 0, 0}, dilation{1, 1};
  int64_t batch = 0, shards = 0;  // 0: not a sharded sum

  std::string to_string() const {
    return fmt::format(
        "n{} {}x{} groups {} of {}->{} filter {}x{} stride {},{} pad {},{},{},{} dilation {},{} "
        "batch {} shards {}",
        n, h, w, groups, group_c, group_o, kh, kw, stride[0], stride[1], pad[0], pad[1], pad[2],
        pad[3], dilation[0], dilation[1], batch, shards);
  }
};

Tensor random_tensor(const Shape& shape, std::mt19937& random, Data data) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float special[] = {std::nanf(""), kInf, -kInf, -0.0f, 0.0f, 1e-40f, -1e-38f, 3e38f};
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor t(DType::f32, shape);
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<float>()[i] = data == Data::special && random() % 16 == 0
                             ? special[random() % std::size(special)]
                             : uniform(random);
  return t;
}

// The index of the first element that differs, or -1. All NaNs are equal.
int64_t first_difference(const Tensor& a, const Tensor& b) {
  for (int64_t i = 0; i < a.elements(); ++i) {
    const float x = a.data<float>()[i];
    const float y = b.data<float>()[i];
    const bool both_nan = std::isnan(x) && std::isnan(y);
    if (!both_nan && std::bit_cast<uint32_t>(x) != std::bit_cast<uint32_t>(y)) return i;
  }
  return -1;
}

// Runs every row of `op` at every level and on several threads.
void expect_reference_bits(const ir::OpSpec& op, const Attrs& attrs, std::vector<Tensor> operands) {
  std::vector<TensorType> types;
  std::vector<View> in;
  for (Tensor& t : operands) {
    types.push_back(t.type());
    in.push_back({t.raw(), &t.type()});
  }
  const ir::Node node{&op, {}, attrs, {}, "node"};
  const std::vector<TensorType> results = ir::infer(op, types, attrs, "node");
  Tensor expected(DType::f32, results[0].shape);
  const View expected_view{expected.raw(), &expected.type()};
  run_reference_node({&node, in, {&expected_view, 1}});

  for (const KernelRow& row : conv_kernels()) {
    if (row.op != &op) continue;
    for (Isa isa : available_isas()) {
      if (isa < row.lowest) continue;
      for (int threads : {1, 2, 3, 5}) {
        const Problem problem{&node, types, results, isa, threads};
        ASSERT_EQ(row.refuse(problem), "");
        const std::unique_ptr<Kernel> kernel = row.make(problem);
        Tensor found(DType::f32, results[0].shape);
        std::fill_n(found.data<float>(), found.elements(), 12345.0f);
        Tensor workspace(DType::u8, {kernel->workspace_bytes()});
        std::fill_n(workspace.data<uint8_t>(), workspace.bytes(), uint8_t{0xFF});  // NaNs
        const View out{found.raw(), &found.type()};
        ThreadPool pool(threads);
        kernel->run({in, {&out, 1}, workspace.raw(), &pool});
        const int64_t at = first_difference(expected, found);
        ASSERT_EQ(at, -1) << op.name << " by " << row.name << " at " << name_of(isa) << " on "
                          << threads << " threads: expected " << expected.data<float>()[at]
                          << ", found " << found.data<float>()[at];
      }
    }
  }
}

void check(const Filter& f, uint32_t seed, Data data) {
  SCOPED_TRACE(f.to_string());
  std::mt19937 random(seed);
  const Attrs attrs{{"stride", f.stride},
                    {"pad", f.pad},
                    {"dilation", f.dilation},
                    {"groups", f.groups},
                    {"layout", std::string("nhwc")}};
  const Tensor x = random_tensor({f.n, f.h, f.w, f.groups * f.group_c}, random, data);
  const Tensor w = random_tensor({f.kh, f.kw, f.group_c, f.groups * f.group_o}, random, data);
  const TensorType types[] = {x.type(), w.type()};
  const Tensor dy =
      random_tensor(ir::infer(ir::op::conv2d, types, attrs, "")[0].shape, random, data);
  expect_reference_bits(ir::op::conv2d, attrs, {x, w});

  Attrs grad_input = attrs;
  grad_input.set("shape", x.shape().dims());
  expect_reference_bits(ir::op::conv2d_grad_input, grad_input, {dy, w});

  Attrs grad_weight = attrs;
  grad_weight.set("shape", w.shape().dims());
  if (f.shards > 0) {
    grad_weight.set("batch", f.batch);
    grad_weight.set("shards", f.shards);
  }
  expect_reference_bits(ir::op::conv2d_grad_weight, grad_weight, {x, dy});
}

void check_both(const Filter& f, uint32_t seed) {
  check(f, seed, Data::normal);
  check(f, seed, Data::special);
}

TEST(ConvDirect, LayersOfCnnAndResnet) {
  check_both({.n = 5,
              .h = 28,
              .w = 28,
              .groups = 1,
              .group_c = 1,
              .group_o = 32,
              .kh = 3,
              .kw = 3,
              .batch = 6,
              .shards = 3},
             1);
  check_both({.n = 3,
              .h = 13,
              .w = 13,
              .groups = 1,
              .group_c = 32,
              .group_o = 64,
              .kh = 3,
              .kw = 3,
              .batch = 3,
              .shards = 3},
             2);
  check_both({.n = 2,
              .h = 16,
              .w = 16,
              .groups = 1,
              .group_c = 16,
              .group_o = 32,
              .kh = 3,
              .kw = 3,
              .stride = {2, 2},
              .pad = {1, 1, 1, 1}},
             3);
  check_both({.n = 3,
              .h = 8,
              .w = 8,
              .groups = 1,
              .group_c = 24,
              .group_o = 40,
              .kh = 3,
              .kw = 3,
              .pad = {1, 1, 1, 1}},
             4);
  check_both({.n = 1,
              .h = 20,
              .w = 20,
              .groups = 1,
              .group_c = 3,
              .group_o = 20,
              .kh = 7,
              .kw = 7,
              .stride = {2, 2},
              .pad = {3, 3, 3, 3}},
             5);
  check_both({.n = 2, .h = 9, .w = 9, .groups = 1, .group_c = 70, .group_o = 130, .kh = 1, .kw = 1},
             6);
  check_both({.n = 2,
              .h = 10,
              .w = 10,
              .groups = 75,
              .group_c = 1,
              .group_o = 1,
              .kh = 3,
              .kw = 3,
              .pad = {1, 1, 1, 1},
              .batch = 2,
              .shards = 2},
             7);
}

TEST(ConvDirect, FiltersThatReadOnlyPadding) {
  check_both({.n = 2,
              .h = 2,
              .w = 3,
              .groups = 1,
              .group_c = 2,
              .group_o = 3,
              .kh = 2,
              .kw = 2,
              .stride = {1, 3},
              .pad = {4, 5, 6, 3},
              .dilation = {3, 2}},
             8);
}

TEST(ConvDirect, EmptyBatch) {
  check_both({.n = 0, .h = 4, .w = 4, .groups = 1, .group_c = 2, .group_o = 3, .kh = 2, .kw = 2},
             9);
}

TEST(ConvDirect, ShortTailOfABatch) {
  for (int64_t n : {1, 7, 16, 33, 50})
    check({.n = n,
           .h = 4,
           .w = 5,
           .groups = 1,
           .group_c = 3,
           .group_o = 5,
           .kh = 2,
           .kw = 3,
           .pad = {0, 1, 1, 0},
           .batch = 50,
           .shards = 13},
          10, Data::normal);
}

TEST(ConvDirect, RandomFilters) {
  std::mt19937 random(11);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  for (uint32_t seed = 0; seed < 60; ++seed) {
    Filter f{};
    f.n = pick(1, 5);
    f.groups = pick(0, 2) == 0 ? pick(2, 20) : 1;
    const bool depthwise = f.groups > 1 && pick(0, 1) == 0;
    f.group_c = depthwise ? 1 : pick(1, f.groups > 1 ? 5 : 40);
    f.group_o = depthwise ? 1 : pick(1, f.groups > 1 ? 5 : 90);
    f.kh = pick(1, 4);
    f.kw = pick(1, 4);
    f.stride = {pick(1, 3), pick(1, 3)};
    f.dilation = {pick(1, 2), pick(1, 2)};
    f.pad = {pick(0, 3), pick(0, 3), pick(0, 3), pick(0, 3)};
    f.h = pick(1, 9) + f.dilation[0] * (f.kh - 1);
    f.w = pick(1, 9) + f.dilation[1] * (f.kw - 1);
    f.batch = f.n + pick(0, 3);
    f.shards = pick(1, f.batch);
    check_both(f, seed);
  }
}

}  // namespace
}  // namespace hone::kernels

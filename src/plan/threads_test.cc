// Which graphs are worth more than one thread.
#include "plan/threads.h"

#include <gtest/gtest.h>

#include "base/cpu.h"
#include "ir/expr.h"

namespace hone::plan {
namespace {

ir::Graph product(int64_t rows, int64_t depth, int64_t cols) {
  ir::Graph g("product");
  const ir::ValueId weight = g.constant(Tensor(DType::f32, {depth, cols}), "weight");
  g.output("y", g.add(ir::op::matmul, {g.input("x", {DType::f32, {rows, depth}}), weight}));
  return g;
}

TEST(UsefulThreads, OfLittleArithmeticOnFewWeightsIsOne) {
  for (Isa isa : {Isa::scalar, default_isa()}) {
    EXPECT_EQ(useful_threads(product(8, 64, 64), {isa, 4}), 1);
    EXPECT_EQ(useful_threads(product(1024, 256, 256), {isa, 4}), 4);  // much arithmetic
  }
}

TEST(UsefulThreads, OfManyWeightsAreAll) {
  const int64_t cols = core_cache_bytes() / 1024;  // of 256 floats
  EXPECT_EQ(useful_threads(product(1, 256, cols * 9 / 10), {Isa::avx512, 4}), 1);
  EXPECT_EQ(useful_threads(product(1, 256, cols), {Isa::avx512, 4}), 4);
}

TEST(UsefulThreads, OfSomeArithmeticDependOnTheLevel) {
  const ir::Graph some = product(512, 64, 32);  // 2 million operations on 200 KB
  EXPECT_EQ(useful_threads(some, {Isa::avx2, 4}), 4);
  const int on_avx512 = core_cache_bytes() > 205 << 10 ? 1 : 4;
  EXPECT_EQ(useful_threads(some, {Isa::avx512, 4}), on_avx512);
}

// Moving much is work too.
TEST(UsefulThreads, OfMuchMemoryAreAll) {
  ir::Graph g("sum");
  const ir::ValueId x = g.input("x", {DType::f32, {core_cache_bytes() / 2048, 256}});
  g.output("y", g.add(ir::op::transpose, {x}, {{"perm", ir::Ints{1, 0}}}));
  EXPECT_EQ(useful_threads(g, {default_isa(), 4}), 4);
}

}  // namespace
}  // namespace hone::plan

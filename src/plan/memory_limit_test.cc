// Programs that keep within a limit. That such programs give the same bits is tested where networks
// are trained (train/fit_test.cc).
#include "plan/memory_limit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/test_support.h"
#include "ir/parse.h"

namespace hone::plan {
namespace {

// Three values of 1024 bytes are kept; two are enough if the first is computed twice.
constexpr std::string_view kChain = R"(graph chain {
    %x = input "x" : f32[256]
    %w = state "w" trainable : f32[256]
    %a = exp(%x)
    %b = exp(%a)
    %c = exp(%b)
    %loss = reduce_sum(%c) {axes=[0]}
    %dc = mul(%c, %loss)
    %db = mul(%b, %dc)
    %da = mul(%a, %db)
    output "loss" = %loss
    update %w = %da
})";

Program within(int64_t limit) {
  return plan_within_limit(ir::parse(kChain), {Isa::scalar, 1, limit});
}

TEST(MemoryLimit, WhatFitsStaysAsItIs) {
  const int64_t unlimited = within(0).arena_bytes;
  for (int64_t limit : {int64_t{0}, unlimited}) {
    const Program program = within(limit);
    EXPECT_EQ(program.steps.size(), 7u);
    EXPECT_EQ(program.arena_bytes, unlimited);
    EXPECT_EQ(program.unlimited_bytes, unlimited);
    EXPECT_EQ(program.recomputed_flops, 0);
  }
}

TEST(MemoryLimit, ValuesAreComputedAgainUntilTheProgramFits) {
  const int64_t unlimited = within(0).arena_bytes;
  const Program program = within(unlimited - 1);
  EXPECT_EQ(program.steps.size(), 8u);
  EXPECT_LT(program.arena_bytes, unlimited);
  EXPECT_EQ(program.unlimited_bytes, unlimited);
  EXPECT_EQ(program.recomputed_flops, 256);
}

TEST(MemoryLimit, OneThatIsTooLowNamesOneThatIsNot) {
  const int64_t unlimited = within(0).arena_bytes;
  const int64_t least = within(unlimited - 1).arena_bytes;
  EXPECT_EQ(test::error_of(ErrorKind::Exhausted, [] { within(100); }),
            fmt::format("chain: a memory limit of 100 bytes is too low: expected at least {} "
                        "bytes, of {} without limit",
                        least, unlimited));
  EXPECT_EQ(within(least).arena_bytes, least);
}

}  // namespace
}  // namespace hone::plan

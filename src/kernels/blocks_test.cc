// Cutting results into blocks: even parts cover all, and blocks go round the threads only where no
// thread would wait for another's.
#include "kernels/blocks.h"

#include <gtest/gtest.h>

namespace hone::kernels {
namespace {

TEST(Blocks, EvenPartsCoverAllUnitsAndDifferByOne) {
  for (int64_t units = 0; units < 20; ++units)
    for (int64_t parts = 1; parts < 9; ++parts) {
      int64_t end = 0;
      for (int64_t i = 0; i < parts; ++i) {
        const Range part = even_part(i, parts, units);
        EXPECT_EQ(part.begin, end);
        EXPECT_GE(part.size(), units / parts);
        EXPECT_LE(part.size(), ceil_div(units, parts));
        end = part.end;
      }
      EXPECT_EQ(end, units);
    }
}

TEST(Blocks, GoRoundTheThreadsThatDivideThem) {
  const Side three{12, 4}, one{8, 8};
  EXPECT_TRUE(goes_round(three, one, 1, 3));
  EXPECT_TRUE(goes_round(one, three, 1, 3));
  EXPECT_FALSE(goes_round(three, one, 1, 2));
  EXPECT_TRUE(goes_round(three, one, 2, 2));
  EXPECT_FALSE(goes_round(one, one, 3, 2));
}

TEST(Blocks, GoRoundUpToAnEighthMoreThanTheMean) {
  const Side one{1, 1};
  EXPECT_TRUE(goes_round({18, 9}, one, 1, 2));
  EXPECT_TRUE(goes_round({17, 9}, one, 1, 2));
  EXPECT_FALSE(goes_round({3, 2}, one, 1, 2));
  EXPECT_FALSE(goes_round({13, 7}, {13, 7}, 1, 4));
  // Blocks are cut as even parts: of 10 units in blocks of 4, the largest is of 4; of 9, of 3.
  EXPECT_FALSE(goes_round({10, 4}, one, 1, 3));
  EXPECT_TRUE(goes_round({9, 4}, one, 1, 3));
}

TEST(Blocks, OfNothingGoRound) {
  EXPECT_TRUE(goes_round({0, 1}, {8, 8}, 1, 2));
  EXPECT_TRUE(goes_round({8, 8}, {0, 1}, 3, 2));
}

TEST(Blocks, AreHalvedUntilThereAreEnough) {
  Side a = Side::of(64, 64), b = Side::of(16, 16);
  const auto prefer_a = [&] { return a.block >= b.block; };
  cut_blocks(a, b, 1, 1 << 20, {.blocks = 8, .least_work = 0}, prefer_a);
  EXPECT_EQ(a.blocks() * b.blocks(), 8);
  EXPECT_EQ(a.block, 8);
  EXPECT_EQ(b.block, 16);
}

TEST(Blocks, AreNotHalvedBelowTheLeastWork) {
  Side a = Side::of(64, 64), b = Side::of(16, 16);
  cut_blocks(a, b, 1, 1 << 20, {.blocks = 8, .least_work = 1 << 19}, [] { return true; });
  EXPECT_EQ(a.blocks() * b.blocks(), 2);
}

}  // namespace
}  // namespace hone::kernels

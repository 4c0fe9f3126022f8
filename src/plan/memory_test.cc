// Packing: nothing that lives at the same time shares memory, and the arena is worth its size.
#include "plan/memory.h"

#include <gtest/gtest.h>

#include "kernels/draw.h"

namespace hone::plan {
namespace {

bool meet(int64_t a_first, int64_t a_last, int64_t b_first, int64_t b_last) {
  return a_first <= b_last && b_first <= a_last;
}

// Every pair, by the definition.
void expect_sound(const std::vector<Interval>& intervals, int64_t arena) {
  for (size_t i = 0; i < intervals.size(); ++i) {
    const Interval& a = intervals[i];
    EXPECT_EQ(a.offset % 64, 0);
    EXPECT_GE(a.offset, 0);
    EXPECT_LE(a.offset + a.bytes, arena);
    for (size_t j = 0; j < i; ++j) {
      const Interval& b = intervals[j];
      if (a.bytes == 0 || b.bytes == 0 || !meet(a.first, a.last, b.first, b.last)) continue;
      EXPECT_FALSE(meet(a.offset, a.offset + a.bytes - 1, b.offset, b.offset + b.bytes - 1))
          << "intervals " << i << " and " << j;
    }
  }
}

// No arena can be smaller than what lives at some step.
int64_t peak(const std::vector<Interval>& intervals, int steps) {
  int64_t most = 0;
  for (int s = 0; s < steps; ++s) {
    int64_t alive = 0;
    for (const Interval& i : intervals)
      if (i.first <= s && s <= i.last) alive += i.bytes;
    most = std::max(most, alive);
  }
  return most;
}

TEST(Pack, NothingTakesNothing) {
  std::vector<Interval> none;
  EXPECT_EQ(pack(none), 0);
  std::vector<Interval> empty = {{0, 0, 3}};
  EXPECT_EQ(pack(empty), 0);
}

TEST(Pack, RoundsToCacheLines) {
  std::vector<Interval> intervals = {{1, 0, 0}, {65, 0, 0}};
  EXPECT_EQ(pack(intervals), 64 + 128);
  EXPECT_EQ(intervals[1].offset, 0);
  EXPECT_EQ(intervals[0].offset, 128);
}

TEST(Pack, ReusesMemoryOnlyWhenTheLastReaderIsDone) {
  std::vector<Interval> apart = {{64, 0, 1}, {64, 2, 3}};
  EXPECT_EQ(pack(apart), 64);
  std::vector<Interval> touching = {{64, 0, 2}, {64, 2, 3}};
  EXPECT_EQ(pack(touching), 128);
}

// A gap that a small interval fits into is found below a larger offset.
TEST(Pack, FillsGaps) {
  std::vector<Interval> intervals = {{256, 0, 1}, {192, 1, 2}, {128, 2, 3}, {64, 2, 2}};
  EXPECT_EQ(pack(intervals), 448);
  EXPECT_EQ(intervals[1].offset, 256);
  EXPECT_EQ(intervals[2].offset, 0);
  EXPECT_EQ(intervals[3].offset, 128);
}

TEST(Pack, RandomIntervalsAgreeWithTheDefinition) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    kernels::Draw draw(seed);
    const int steps = static_cast<int>(draw.between(1, 30));
    std::vector<Interval> intervals;
    int64_t sum = 0;
    for (int64_t n = draw.between(1, 60); n > 0; --n) {
      const int first = static_cast<int>(draw.between(-1, steps - 1));
      const int last = static_cast<int>(draw.between(first, steps));
      const int64_t bytes = draw.one_in(8) ? 0 : draw.between(1, 5000);
      intervals.push_back({bytes, first, last});
      sum += (bytes + 63) / 64 * 64;
    }
    std::vector<Interval> again = intervals;
    const int64_t arena = pack(intervals);
    SCOPED_TRACE(seed);
    expect_sound(intervals, arena);
    EXPECT_LE(arena, sum);
    EXPECT_GE(arena, peak(intervals, steps + 1));
    EXPECT_EQ(pack(again), arena);
    for (size_t i = 0; i < again.size(); ++i) EXPECT_EQ(again[i].offset, intervals[i].offset);
  }
}

}  // namespace
}  // namespace hone::plan

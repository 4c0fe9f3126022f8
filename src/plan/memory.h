// Packing buffers that live for a while into one arena.
#pragma once

#include <cstdint>
#include <vector>

namespace hone::plan {

/// Bytes that must be at one place from step `first` to step `last`, both included.
struct Interval {
  int64_t bytes;
  int first;
  int last;
  int64_t offset = 0;  ///< the result
};

/// The bytes that an interval takes up: offsets are multiples of 64.
constexpr int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Gives each interval an offset, a multiple of 64, so that intervals that meet in time do not meet
/// in memory: the largest first, each at the lowest place that is free for it. Returns the arena's
/// size.
int64_t pack(std::vector<Interval>& intervals);

}  // namespace hone::plan

// Cutting a kernel's result into blocks, which are the items of its parallel loop.
#pragma once

#include <algorithm>
#include <cstdint>

namespace hone::kernels {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// Some of what is numbered from 0 on.
struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// One of so many parts of what is numbered from 0 on: they are as even as they can be.
constexpr Range even_part(int64_t i, int64_t parts, int64_t units) {
  return {i * units / parts, (i + 1) * units / parts};
}

/// One side of a result: how many units it has, and how many of them a block has.
struct Side {
  int64_t units;
  int64_t block;

  /// Blocks of at most so many units, and of at least one.
  static constexpr Side of(int64_t units, int64_t most) {
    return {units, std::clamp<int64_t>(most, 1, std::max<int64_t>(1, units))};
  }
  constexpr int64_t blocks() const { return ceil_div(units, block); }
};

/// What is enough of cutting: so many blocks, to share them out evenly, unless one would have less
/// work than pays for handing it out.
struct CutLimits {
  int64_t blocks;
  int64_t least_work;
};

/// True if the blocks of `repeats` such results go round so many threads, and the largest block is
/// at most an eighth more than the mean.
constexpr bool goes_round(const Side& a, const Side& b, int64_t repeats, int64_t threads) {
  const int64_t blocks = a.blocks() * b.blocks();
  if (blocks == 0) return true;
  const int64_t largest = ceil_div(a.units, a.blocks()) * ceil_div(b.units, b.blocks());
  return repeats * blocks % threads == 0 && 8 * largest * blocks <= 9 * a.units * b.units;
}

/// Halves the blocks of either side until there are enough of them in `repeats` such results, which
/// have `work` together; of `a` where `prefer_a()` says so for the blocks as they are.
template <class Prefer>
void cut_blocks(Side& a, Side& b, int64_t repeats, int64_t work, CutLimits limits,
                Prefer&& prefer_a) {
  while (a.block * b.block > 1) {
    const int64_t blocks = repeats * a.blocks() * b.blocks();
    if (blocks == 0 || blocks >= limits.blocks || work / blocks <= limits.least_work) return;
    Side& cut = b.block == 1 || (a.block > 1 && prefer_a()) ? a : b;
    cut.block = ceil_div(cut.block, 2);
  }
}

}  // namespace hone::kernels

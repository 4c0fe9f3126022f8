// The shard tree: how every sum over a batch is cut and combined (docs/numerics.md, "The batch").
// A batch of `batch` samples is `shards` virtual shards; sample i belongs to shard floor(i * V /
// B). Partials are combined by adding, left to right, over the tree that splits at the largest
// power of two, so any aligned subtree can be computed by another worker without changing a bit.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace hone {

struct Sharding {
  int64_t batch = 1;   ///< B, the nominal batch; the last batch of an epoch may hold fewer samples
  int64_t shards = 1;  ///< V

  /// V by default: one shard for every 16 samples, at most 64.
  static constexpr int64_t default_shards(int64_t batch) {
    return std::max<int64_t>(1, std::min<int64_t>(64, batch / 16));
  }
  /// The first sample of shard s: the least i with floor(i * V / B) >= s.
  constexpr int64_t begin(int64_t s) const { return (s * batch + shards - 1) / shards; }
  /// How many shards are present when `samples` (<= batch) samples are: absent ones are not added.
  constexpr int64_t present(int64_t samples) const {
    return samples == 0 ? 0 : (samples - 1) * shards / batch + 1;
  }
  /// One past the last sample of shard s when `samples` samples are present.
  constexpr int64_t end(int64_t s, int64_t samples) const {
    return std::min(begin(s + 1), samples);
  }
};

/// Deepest stack that `tree_fold` needs for V <= 2^16 leaves.
inline constexpr int kMaxTreeDepth = 17;

/// How many times the last two partials meet when `done` leaves are there, before the next comes.
constexpr int tree_merges(uint64_t done) { return std::countr_zero(done); }

/// Visits leaves 0..n-1 in order and folds them over the tree with a stack of partials.
/// `leaf(i, slot)` writes leaf i's partial to stack slot `slot`; `combine(into, from)` does
/// slot[into] = slot[into] + slot[from]. The result is in slot 0.
template <class Leaf, class Combine>
constexpr void tree_fold(int64_t n, Leaf&& leaf, Combine&& combine) {
  int top = 0;
  for (int64_t i = 0; i < n; ++i) {
    leaf(i, top);
    for (int merges = tree_merges(static_cast<uint64_t>(i) + 1); merges > 0; --merges) {
      combine(top - 1, top);
      --top;
    }
    ++top;
  }
  for (; top > 1; --top) combine(top - 2, top - 1);
}

}  // namespace hone

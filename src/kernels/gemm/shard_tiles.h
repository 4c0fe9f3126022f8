// Tiles of a product whose steps are samples: their sums take the shard tree (base/shards.h).
#pragma once

#include <cstdint>
#include <vector>

#include "base/shards.h"
#include "kernels/gemm/micro.h"

namespace hone::kernels {

class ShardTiles {
 public:
  ShardTiles() = default;
  ShardTiles(const GemmFns& fns, const Sharding& sharding, int64_t steps);

  /// False where there is one shard, whose tiles are chains like any others.
  bool several() const { return !leaves_.empty(); }
  /// Of memory that `tile` needs.
  int64_t slot_floats() const;
  void tile(const Tile& tile, int64_t rows, float* slots) const;

 private:
  // Two shards beside each other are one leaf of the tree; the last may be one.
  struct Leaf {
    int64_t begin, split, depth;  // its steps, and those of them that are the first shard's
  };

  void leaf(const Leaf& leaf, int64_t rows, Tile to) const;

  const GemmFns* fns_ = nullptr;
  std::vector<Leaf> leaves_;
};

}  // namespace hone::kernels

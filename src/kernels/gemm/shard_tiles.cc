// The stack of partial sums lies in L1, a tile each.
#include "kernels/gemm/shard_tiles.h"

#include <algorithm>
#include <bit>

#include "kernels/blocks.h"

namespace hone::kernels {

ShardTiles::ShardTiles(const GemmFns& fns, const Sharding& sharding, int64_t steps) : fns_(&fns) {
  const int64_t shards = sharding.present(steps);
  for (int64_t s = 0; shards > 1 && s < shards; s += 2) {
    const int64_t begin = sharding.begin(s);
    leaves_.push_back({begin, sharding.end(s, steps) - begin,
                       sharding.end(std::min(s + 1, shards - 1), steps) - begin});
  }
}

int64_t ShardTiles::slot_floats() const {
  return several() ? std::bit_width(leaves_.size() - 1) * fns_->max_rows * fns_->max_cols : 0;
}

void ShardTiles::leaf(const Leaf& leaf, int64_t rows, Tile to) const {
  to.a += leaf.begin * to.a_step;
  to.b += leaf.begin * to.b_step;
  to.depth = leaf.depth;
  if (leaf.split == leaf.depth) return fns_->tile(rows, to);
  const int64_t part = rows <= fns_->pair_rows ? rows : (rows + 1) / 2;
  for (int64_t r = 0; r < rows; r += part) {
    fns_->pair(std::min(part, rows - r), leaf.split, to);
    to.a += part * to.a_row;
    to.c += part * to.c_row;
  }
}

// The tree adds every second leaf to the slot below at once, straight from the registers. The
// result is slot 0; the other slots hold whole vectors.
void ShardTiles::tile(const Tile& tile, int64_t rows, float* slots) const {
  const int64_t pitch = round_up(tile.cols, fns_->lanes);
  const auto slot = [&](int i) {
    return i == 0 ? tile.c : slots + (i - 1) * fns_->max_rows * pitch;
  };
  const auto row_of = [&](int i) { return i == 0 ? tile.c_row : pitch; };
  bool added = false;
  tree_fold(
      std::ssize(leaves_),
      [&](int64_t i, int top) {
        added = i % 2 == 1;
        const int at = added ? top - 1 : top;
        Tile to = tile;
        to.c = slot(at);
        to.c_row = row_of(at);
        if (at > 0) to.cols = pitch;
        to.chain = added ? Chain::add : Chain::fresh;
        leaf(leaves_[static_cast<size_t>(i)], rows, to);
      },
      [&](int into, int from) {
        if (!added) fns_->add(rows, tile.cols, slot(into), row_of(into), slot(from), pitch);
        added = false;
      });
}

}  // namespace hone::kernels

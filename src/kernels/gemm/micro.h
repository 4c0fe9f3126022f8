// The inner parts of a blocked matrix product, for each ISA level: packing a panel, and the
// microkernel that holds a tile of the result in registers.
//
// A panel is what one tile reads of one operand: `width` lanes, for every step k of the chain. In
// packed form step k lies at `k * pitch`, so that the microkernel reads memory in order.
#pragma once

#include <cstdint>
#include <span>

#include "base/cpu.h"
#include "kernels/finish.h"

namespace hone::kernels {

/// How a tile meets what c holds.
enum class Chain {
  fresh,   ///< c = the chain from +0
  resume,  ///< c = the chain that goes on from c
};

/// What `GemmFns::tile` computes: for c[r][j] with j < cols, the FMA chain over `depth` steps of
/// a's row r and b's column j. b must be readable up to the next whole vector.
struct Tile {
  const float* a;
  int64_t a_row, a_step;  ///< strides of a: from row to row, from step to step
  const float* b;
  int64_t b_step;  ///< from step to step of b; its columns are adjacent
  int64_t depth;
  float* c;
  int64_t c_row;
  int64_t cols;
  Chain chain;
  /// What the chains' ends become, or null; `bias` is that of the tile, and there is no `other`.
  const FinishTile* finish = nullptr;
};

/// What `GemmFns::pack` copies: packed[k * pitch + i] = source[k * step + i * lane] for i < width;
/// lanes from `width` to `pitch`, which is `width` or that filled up to whole vectors, become 0.
/// One of `step` and `lane` is 1.
struct Panel {
  const float* source;
  int64_t lane, step;
  int64_t width, depth;
  float* packed;
  int64_t pitch;
};

/// The same of bytes that lie side by side, as the floats they stand for. The last vector of a step
/// is filled up with zeros; what lies between it and `width` is not defined.
struct BytePanel {
  float zero, scale;  ///< of (byte - zero) * scale
  const uint8_t* source;
  int64_t step;
  int64_t width, depth;
  float* packed;
  int64_t pitch;
};

struct GemmFns {
  int64_t lanes;     ///< floats in a vector
  int64_t max_rows;  ///< the most rows of a tile
  int64_t max_cols;  ///< the most columns of a tile
  void (*tile)(int64_t rows, const Tile& tile);
  /// The same of steps that are samples: a chain for each shard, of which one ends before each of
  /// `ends`, and their sum over the shard tree (base/shards.h).
  void (*shards)(int64_t rows, const Tile& tile, std::span<const int64_t> ends);
  int64_t row_panels;  ///< the most panels of `row`
  /// The same for one row and so many whole packed panels, `max_cols` wide and one after another,
  /// whose columns are adjacent in c: as many chains at once as the processor's pipeline wants.
  void (*row)(int64_t panels, int64_t panel_floats, const Tile& tile);
  void (*pack)(const Panel& panel);
  void (*pack_bytes)(const BytePanel& panel);
  /// The same of a source whose step is 1; lanes from `width` on stay as they are.
  void (*transpose)(const Panel& panel);
};

/// The functions of a level, avx2 or higher.
const GemmFns& gemm_fns(Isa isa);

}  // namespace hone::kernels

// The instructions of tile programs: each computes up to a tile of elements of 4 bytes. They are
// f32, and so are in a tile what bools and integers of 8 bits hold; but i32 stay what they are.
#pragma once

#include <cstdint>

#include "base/cpu.h"
#include "base/dtype.h"

namespace hone::kernels {

enum class TileOp : uint8_t {
  copy,
  nonzero,  // x != 0
  neg,
  abs,
  exp,
  log,
  sqrt,
  tanh,
  sigmoid,
  erf,
  cos,
  sin,
  atan,
  floor,
  round,  // half to even
  relu,
  to_u8,  // truncated to the range of u8; NaN to 0
  to_i8,
  to_f32,  // from i32
  add,
  sub,
  mul,
  div,
  max,
  min,
  equal,
  greater,
  add_i32,
  sub_i32,
  select,
};
inline constexpr int kTileOps = static_cast<int>(TileOp::select) + 1;

constexpr int arity_of(TileOp op) { return op < TileOp::add ? 1 : op < TileOp::select ? 2 : 3; }

/// dst[i] = op(a[i], b[i], c[i]) for i < n. Operands beyond the arity are ignored. dst may be one
/// of the operands.
using TileFn = void (*)(float* dst, const float* a, const float* b, const float* c, int64_t n);

struct TileOps {
  /// By op and by which operands are single elements that stand for a whole tile (bit i: operand
  /// i). Some operand is always a tile; `copy` alone may have none.
  TileFn fn[kTileOps][8];
  /// Converts n elements of a dtype to f32, by dtype; i32 are copied.
  void (*load[kDTypes])(float* dst, const std::byte* src, int64_t n);
  /// dst[r * cols + j] = values[r] for r < rows, j < cols.
  void (*spread)(float* dst, const float* values, int64_t rows, int64_t cols);
  /// Converts n elements of a tile to what they are in memory: bool, u8 or i8, as by a cast; by
  /// dtype.
  void (*store[kDTypes])(std::byte* dst, const float* src, int64_t n);
};

const TileOps& tile_ops(Isa isa);

}  // namespace hone::kernels

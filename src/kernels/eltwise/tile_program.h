// An elementwise body as a list of instructions over tiles that stay in L1: the one mechanism
// behind fused loops, single elementwise ops, and the epilogues of gemm and conv.
//
// The loop is seen as a matrix: its last axis is the columns, all the others together are the rows.
#pragma once

#include <hone/tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "ir/graph.h"
#include "kernels/kernel.h"

namespace hone::kernels {

/// A rectangle of the loop.
struct Block {
  int64_t row, rows, col, cols;
};

/// Where operand 0 of an epilogue comes from: a tile whose first element is the block's.
struct Accumulator {
  const void* data;  ///< f32 or i32, as the body says
  int64_t row_stride;
};

class TileProgram {
 public:
  /// `body` has static shapes; all its outputs have the loop's shape.
  TileProgram(const ir::Graph& body, Isa isa);
  /// The epilogue of a contraction's node, if it has one.
  static std::optional<TileProgram> epilogue_of(const Problem& problem);
  ~TileProgram();
  TileProgram(TileProgram&&) noexcept;
  TileProgram& operator=(TileProgram&&) noexcept;

  /// Why `body` cannot be compiled, or empty: it computes in f32 (loads may convert from u8, i32,
  /// i64 and bool, stores to bool, u8 and i8), and adds in i32.
  static std::string refuse(const ir::Graph& body);
  /// As `refuse`, for a body used as an epilogue: besides, every operand after the first must be of
  /// the loop's shape, or vary along the last axis only, or along all but the last, or be a scalar.
  static std::string refuse_epilogue(const ir::Graph& body);
  /// The same for the epilogue of a contraction's node, if it has one: besides, its results are
  /// written where the contraction's f32 sums would be.
  static std::string refuse_epilogue(const Problem& problem);

  /// Bytes of scratch that one call of `run` needs (aligned to 64).
  int64_t scratch_bytes() const;
  /// Computes a block of every result. `operands` are the body's inputs (for an epilogue: those
  /// after the first, which comes from `accumulator`). A result may be the memory of an operand of
  /// the same extent, the accumulator's included: each element is read before it is written.
  void run(const Block& block, std::span<const View> operands, std::span<const View> results,
           std::byte* scratch, const Accumulator* accumulator = nullptr) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone::kernels

// A body compiled for one way of looking at its loop as a matrix: instructions over entries. An
// entry is a value of the body; where it lies is settled at run time: in its operand's or result's
// own memory wherever that is f32 or i32 and dense in the tile, else in a slot of the scratch
// memory.
#pragma once

#include <array>
#include <vector>

#include "ir/graph.h"
#include "kernels/eltwise/tile_ops.h"

namespace hone::kernels {

/// How often a value must be computed. Instructions are sorted by it: those of the first two kinds
/// run once for many tiles.
enum class Kind : uint8_t {
  scalar,   ///< one element for the whole loop
  columns,  ///< the same in every row
  tile,
};

/// True if a tile holds elements of the dtype as memory does.
constexpr bool lies_alike(DType dtype) { return dtype == DType::f32 || dtype == DType::i32; }

/// An operand of the loop or a constant, as tiles hold it.
struct TileLoad {
  int entry = -1;
  int input = -1;                       ///< which input of the body, or -1: `constant`
  const std::byte* constant = nullptr;  ///< kept alive by the body
  DType dtype = DType::f32;
  int64_t element_bytes = 0;
  Kind kind = Kind::tile;
  bool dense = false;              ///< laid out like the loop itself
  int64_t col_stride = 0;          ///< 0 or 1
  std::vector<int64_t> strides{};  ///< along the outer axes
  int slot = -1;                   ///< -1: never needed
  int last_read = -1;              ///< the last instruction that reads it
};

struct TileInstruction {
  TileFn fn;
  int dst;
  std::array<int, 3> operands;  ///< entries
  int slot;                     ///< of dst; for a scalar, its place among the scalars
};

struct TileStore {
  int result;
  DType dtype;
  int64_t element_bytes;
  int instruction;  ///< the one that computes it
};

struct TileCode {
  /// The loop: outer axes (their product is the rows), then columns.
  std::vector<int64_t> outer;
  int64_t rows = 1;
  int64_t cols = 1;

  std::vector<TileLoad> loads;                ///< sorted by kind
  std::vector<TileInstruction> instructions;  ///< sorted by kind
  std::array<int, 4> load_begin{};            ///< of each kind, and the end
  std::array<int, 4> instruction_begin{};
  std::vector<TileStore> stores;
  int entries = 0;
  int slots = 0;
  int64_t tile = 0;  ///< elements of a slot

  /// Bytes of scratch memory: pointers to the entries, the scalars, the slots.
  int64_t scratch_bytes() const { return slots_offset() + slots * tile * 4; }
  int64_t scalars_offset() const { return aligned(entries * 8); }
  int64_t slots_offset() const { return aligned(scalars_offset() + entries * 4); }
  static int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }
};

/// Compiles `body`. With `keep_columns` the columns are the loop's last axis; otherwise adjacent
/// axes are merged wherever no operand tells them apart, so that rows become as long as possible.
TileCode compile_tiles(const ir::Graph& body, Isa isa, bool keep_columns);

/// The tile op that computes nodes of `op` on values of a dtype, or nullptr (a `cast` may take none
/// or several).
const TileOp* find_tile_op(const ir::OpSpec& op, DType dtype);
/// What a node of a body computes with.
DType operand_dtype(const ir::Graph& body, const ir::Node& node);

}  // namespace hone::kernels

// The inner loops of int8.dot, for each ISA level: tiles of i32 sums held in
// registers.
//
// A level multiplies several steps of the depth at once: four bytes where it
// has dot products of bytes, else two integers of 16 bits, which never
// saturate. So x is read as elements of one byte or two, to which `stage` turns
// bytes; weights are bytes (ir/panels.h), or already words. In the depthwise form, for
// groups of one channel, a column reads its own channel of x, and steps are of
// taps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace hone::kernels {

/// How the sums of tiles become the bytes of a result, as requantise.h says; their bias is in what
/// they start from.
struct TileBytes {
  const float* factor;  ///< for each column, of whole vectors; of less than one, so that no product
                        ///< is beyond the integers
  int32_t zero, least;  ///< added to a result; no byte is less
  bool is_signed;
  std::byte* to;
  int64_t to_row;
};

/// sums[r][j] = init[j] + the sum over (run, k) of x[x_at[r] + runs[run] + k] *
/// panel[run][k][j]; depthwise, the sum over run of x[x_at[r] + runs[run] + j]
/// * panel[run][j], where all columns of the panel's pitch are read.
struct DotTiles {
  const std::byte* x;   ///< elements as `stage` gives them
  const int64_t* x_at;  ///< of each row, in elements
  int64_t x_row;        ///< from each row to the next, or 0 if that varies
  const int64_t* runs;  ///< where each run of the depth begins, in elements
  int64_t run_count;
  /// Of a run, each of DotFns::step elements; depthwise, runs are whole steps; in pairs, the
  /// elements from a pixel to its neighbour.
  int64_t steps;
  /// [run_count][steps][whole vectors of columns][step], bytes or, for `tiles_of_words`, i16.
  const void* panel;
  const int32_t* init;  ///< of whole vectors of columns; null: zeros
  int32_t* sums;
  int64_t sums_row;
  int64_t rows, cols;
  const TileBytes* bytes = nullptr;  ///< if not null, these are written and no sums
};

/// Bytes that are added to those of sums, in the layout of the result (requantise.h).
struct ResidualBytes {
  const std::byte* other;
  bool is_signed;     ///< `other`
  int32_t low, high;  ///< the range of the sums' bytes
  float scale;        ///< of them
  int32_t other_zero;
  float other_scale;
  bool relu;     ///< of what was added
  float factor;  ///< of it, for the result
  int32_t zero;  ///< of the result
};

/// to[r][j] = the byte of (sums[r][j] + bias[j]) * factor[j], as requantise.h says.
struct RequantisedBlock {
  const int32_t* sums;
  int64_t sums_row;
  int64_t rows, cols;
  const int32_t* bias;  ///< null: zeros
  const float* factor;  ///< finite; for each column, or one
  bool has_factors;
  int32_t zero, least;            ///< added to a result; no byte is less
  bool is_signed;                 ///< the result
  const ResidualBytes* residual;  ///< null if there is none
  std::byte* to;
  int64_t to_row;
};

struct DotFns {
  int64_t lanes;          ///< sums in a vector
  int64_t vectors;        ///< the most vectors of a panel
  int64_t step;           ///< elements of the depth that are multiplied at once
  int64_t element_bytes;  ///< of x
  /// Added to an i8 to make it an element; the sums of products have it too.
  int64_t i8_offset;
  int64_t channels;  ///< columns of a depthwise panel
  bool even_rows;    ///< `tiles` is faster where rows lie evenly in x
  void (*tiles)(const DotTiles&);
  bool tiles_write_bytes;  ///< else only depthwise ones do
  /// The same for weights of 16 bits; null where elements are bytes.
  void (*tiles_of_words)(const DotTiles&);
  /// Behind the last tiles of a part, at levels with registers to give back; else null.
  void (*end)();
  void (*depthwise)(const DotTiles&);
  /// The same for filters three wide, whose lines are the runs; what is read for a pixel serves its
  /// right neighbour too, where that is the next row. Null where steps are shorter.
  void (*depthwise_pairs)(const DotTiles&);
  void (*requantise)(const RequantisedBlock&);
  /// n bytes, u8 or i8, as elements.
  void (*stage_u8)(std::byte* to, const uint8_t* from, int64_t n);
  void (*stage_i8)(std::byte* to, const int8_t* from, int64_t n);
  /// Products added to independent sums in registers; returns how many. What it adds to `sink`
  /// keeps the compiler from dropping them. Null where tiles are no vectors.
  int64_t (*multiply_rounds)(int64_t rounds, int32_t* sink);
};

/// The functions of a level, avx2 or higher.
const DotFns& dot_fns(Isa isa);
/// Those of the highest level below or at it whose elements are of 16 bits.
const DotFns& word_dot_fns(Isa isa);

}  // namespace hone::kernels

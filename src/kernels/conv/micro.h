// The inner loops of conv.direct, for each ISA level: tiles of the result held in registers.
//
// Channels of the result are the columns; a panel is as many of them as one tile has, in whole
// vectors (the last one masked). `gather` and `weight` have depthwise forms, for groups of one
// channel: there a column reads its own channel of the image, where otherwise all columns read the
// same one.
#pragma once

#include <cstdint>

#include "base/cpu.h"
#include "kernels/finish.h"

namespace hone::kernels {

/// One place of the filter: where its source pixel lies, in floats from the one of the first tap,
/// and which block of `depth` rows of the panel belongs to it.
struct Tap {
  int64_t source, block;
};

/// result[p][j] = the chain over (tap, begin <= k < end) of source[p + tap + k] * panel[tap][k][j],
/// which goes on from what the result holds if `resume`. Pixels lie anywhere; the panel is packed
/// in rows of whole vectors.
struct GatherTiles {
  const float* source;
  const int64_t* source_at;  ///< of each pixel: where the first tap reads
  float* result;
  const int64_t* result_at;  ///< of each pixel
  int64_t pixels;
  const Tap* taps;
  int64_t tap_count, depth;  ///< a depth of 1 has a loop of its own
  int64_t begin, end;
  const float* panel;
  int64_t cols;
  bool resume;
  const FinishTile* finish;  ///< what the chains' ends become, or null
  const float* ahead;        ///< weights that are read next: they are fetched meanwhile
};

/// Depthwise tiles of whole lines of the result, whose pixels share most of what they read. Each
/// row of the filter has `width` taps; those on padding are skipped.
struct LineTiles {
  GatherTiles gather;  ///< its pixels come in lines, its taps in rows of the filter
  int64_t line;        ///< pixels of a line
  int64_t width;       ///< 3 or 5
  int64_t stride;      ///< 1 or 2
  int64_t pad;         ///< places before the first of the source's line, less than the width
  int64_t columns;     ///< of the source; at most width - 1 places behind them are read, too
  int64_t step;        ///< from column to column
};

/// One row of sums: where the first pixel reads x, and where the sums lie.
struct WeightRow {
  int64_t x_at, sums_at;
};

/// sums[r][j] goes on with the chain over (sample, line, pixel) of x[x_at + r.x_at + pixel] *
/// dy[pixel][j]. Rows of sums are whole vectors.
struct WeightTiles {
  const float* x;
  int64_t x_at;  ///< of the first pixel, for a row's x_at of 0; may lie before the image
  int64_t x_sample, x_line, x_pixel;
  const WeightRow* row;
  int64_t rows;
  const float* dy;
  int64_t dy_sample, dy_line, dy_pixel;
  int64_t samples, lines, pixels;
  float* sums;
  int64_t cols;
};

struct ConvFns {
  int64_t lanes;           ///< floats in a vector
  int64_t gather_vectors;  ///< the most vectors of a panel of `gather`
  int64_t weight_vectors;  ///< and of `weight`
  void (*gather)(const GatherTiles&);
  void (*gather_depthwise)(const GatherTiles&);
  void (*line_depthwise)(const LineTiles&);
  void (*weight)(const WeightTiles&);
  void (*weight_depthwise)(const WeightTiles&);
};

/// The functions of a level, avx2 or higher.
const ConvFns& conv_fns(Isa isa);

}  // namespace hone::kernels

// The transforms of the winograd family, for each ISA level.
#pragma once

#include <cstdint>

#include "base/cpu.h"
#include "kernels/finish.h"

namespace hone::kernels {

/// The filters of one channel that is read for so many adjacent channels that are computed.
struct FilterTile {
  const float* weight;  ///< of the first filter, nine floats
  int64_t weight_step;  ///< from filter to filter
  int64_t filters;
  float* values;
  int64_t point_step;  ///< from point to point
  bool turned;         ///< by half a turn, as the gradient reads a filter
};

/// The pieces of one tile: t x t pixels whose channels are adjacent. What is stored is filled up to
/// whole vectors.
struct InputTile {
  const float* source;
  int64_t line_step, pixel_step;
  int64_t channels;
  float* values;
  int64_t point_step;
};

/// The outputs of one tile, from rows of whole vectors.
struct OutputTile {
  const float* products;
  int64_t point_step;
  float* result;
  int64_t line_step, pixel_step;
  int64_t lines, pixels;  ///< of them that are in the image
  int64_t channels;
  const FinishTile* finish;  ///< what the outputs become, or null
};

struct WinogradFns {
  int64_t lanes;  ///< floats in a vector
  void (*filter)(const FilterTile&);
  void (*input)(const InputTile&);
  void (*output)(const OutputTile&);
};

/// The functions of a level, avx2 or higher, for tiles of `tile` x `tile` outputs.
const WinogradFns& winograd_fns(Isa isa, int64_t tile);

}  // namespace hone::kernels

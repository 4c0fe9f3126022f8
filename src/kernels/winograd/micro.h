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

/// What the convolution of an image of floats, or of bytes, is computed in: values at the points,
/// and sums of products.
template <class Pixel>
struct WinogradTypes {
  using Value = int16_t;
  using Sum = int32_t;
};
template <>
struct WinogradTypes<float> {
  using Value = float;
  using Sum = float;
};

/// The pieces of one tile: t x t pixels whose channels are adjacent. What is stored is filled up to
/// whole vectors.
template <class Pixel>
struct InputTile {
  const Pixel* source;
  int64_t line_step, pixel_step;
  int64_t channels;
  typename WinogradTypes<Pixel>::Value* values;
  int64_t point_step;
};

/// The outputs of one tile, from rows of whole vectors; of integers, a quarter of them.
template <class Sum>
struct OutputTile {
  const Sum* products;
  int64_t point_step;
  Sum* result;
  int64_t line_step, pixel_step;
  int64_t lines, pixels;  ///< of them that are in the image
  int64_t channels;
  const FinishTile* finish;  ///< what outputs of floats become, or null
};

template <class Pixel>
struct WinogradFns {
  int64_t lanes;  ///< values in a vector
  void (*input)(const InputTile<Pixel>&);
  void (*output)(const OutputTile<typename WinogradTypes<Pixel>::Sum>&);
};

/// The functions of a level, avx2 or higher, for tiles of `tile` x `tile` outputs, of bytes two,
/// and images of float, uint8_t or int8_t.
template <class Pixel>
const WinogradFns<Pixel>& winograd_fns(Isa isa, int64_t tile);

using FilterFn = void (*)(const FilterTile&);
FilterFn winograd_filter_fn(Isa isa, int64_t tile);

}  // namespace hone::kernels

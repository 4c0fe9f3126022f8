// The vector code of the movements, once for each ISA level.
#pragma once

#include <cstdint>

#include "base/cpu.h"

namespace hone::kernels {

/// The draws of random_uniform as groups of four: what one evaluation of the generator gives.
struct UniformDraws {
  uint64_t key;
  int64_t row_elements;                                          ///< elements of one row of axis 0
  int64_t row_groups() const { return (row_elements + 3) / 4; }  ///< groups of one row
};

/// The most columns that are interleaved at once: the channels of a picture.
inline constexpr int64_t kInterleaved = 4;

struct MovementFns {
  /// to[r * to_stride + c] = from[c * from_stride + r], for elements of four bytes.
  void (*transpose)(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride,
                    int64_t rows, int64_t cols);
  /// The same for bytes, whose `cols` are 2 to kInterleaved and lie side by side in `to`.
  void (*interleave)(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t rows,
                     int64_t cols);
  /// Draws groups [begin, end), numbered row by row; `out` is the first element of all.
  void (*uniform)(const UniformDraws& draws, int64_t begin, int64_t end, float* out);
};

const MovementFns& movement_fns(Isa isa);

/// `MovementFns::transpose` of floats: by larger squares than GemmFns has, for large matrices.
inline void transpose_floats(Isa isa, const float* from, int64_t from_stride, float* to,
                             int64_t to_stride, int64_t rows, int64_t cols) {
  movement_fns(isa).transpose(reinterpret_cast<const uint32_t*>(from), from_stride,
                              reinterpret_cast<uint32_t*>(to), to_stride, rows, cols);
}

}  // namespace hone::kernels

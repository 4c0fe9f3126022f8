// Products of 16 bits in vectors of 256 (micro_tiles.inc has the loops).
#include <immintrin.h>

#include <cstring>
#include <limits>
#include <utility>

#include "kernels/int8/levels.h"

#include <hwy/base.h>

HWY_PUSH_ATTRIBUTES("avx,avx2,fma,bmi,bmi2")
namespace hone::kernels::int8_avx2 {
namespace {

#include "kernels/int8/vectors_256.inc"

using Element = int16_t;
constexpr int kStep = 2, kI8Offset = 0, kPixels = 3;

inline V weights(const int8_t* from) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline V weights(const int16_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline V dot(V sums, V each, V weights) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(each, weights));
}

inline V channels(const Element* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
// Interleaving takes each half of a vector on its own: 0-3 and 8-11, then 4-7 and 12-15. Weights,
// which all rows of a tile share, and sums, which are loaded and stored once, change places more
// cheaply than the taps of each row.
inline void exchange(V (&columns)[2]) {
  const V low = _mm256_permute2x128_si256(columns[0], columns[1], 0x20);
  columns[1] = _mm256_permute2x128_si256(columns[0], columns[1], 0x31);
  columns[0] = low;
}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

constinit const DotFns fns = fns_with(&tiles<int16_t>);

}  // namespace hone::kernels::int8_avx2
HWY_POP_ATTRIBUTES

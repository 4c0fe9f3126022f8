// Dot products of bytes in vectors of 256 (micro_tiles.inc has the loops).
#include <immintrin.h>

#include <cstring>
#include <limits>
#include <utility>

#include "kernels/int8/levels.h"

#include <hwy/base.h>

HWY_PUSH_ATTRIBUTES("avx,avx2,fma,bmi,bmi2,avxvnni")
namespace hone::kernels::int8_avxvnni {
namespace {

#include "kernels/int8/vectors_256.inc"

using Element = uint8_t;
constexpr int kStep = 4, kI8Offset = 128, kPixels = 1;

inline V weights(const int8_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline V dot(V sums, V each, V weights) { return _mm256_dpbusd_avx_epi32(sums, each, weights); }

inline V channels(const Element* from) {
  const V order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm256_permutevar8x32_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)),
                                     order);
}

inline void exchange(V (&)[kStep]) {}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

constinit const DotFns fns = fns_with(nullptr);

}  // namespace hone::kernels::int8_avxvnni
HWY_POP_ATTRIBUTES

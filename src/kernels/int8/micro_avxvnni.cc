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
inline V each(const Element* from) {
  int32_t step;
  std::memcpy(&step, from, sizeof(step));
  return _mm256_set1_epi32(step);
}
inline V dot(V sums, V each, V weights) { return _mm256_dpbusd_avx_epi32(sums, each, weights); }

inline V channels(const Element* from) {
  const V order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  return _mm256_permutevar8x32_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)),
                                     order);
}
inline void interleave(V (&taps)[kStep]) {
  const V low01 = _mm256_unpacklo_epi8(taps[0], taps[1]);
  const V high01 = _mm256_unpackhi_epi8(taps[0], taps[1]);
  const V low23 = _mm256_unpacklo_epi8(taps[2], taps[3]);
  const V high23 = _mm256_unpackhi_epi8(taps[2], taps[3]);
  taps[0] = _mm256_unpacklo_epi16(low01, low23);
  taps[1] = _mm256_unpackhi_epi16(low01, low23);
  taps[2] = _mm256_unpacklo_epi16(high01, high23);
  taps[3] = _mm256_unpackhi_epi16(high01, high23);
}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

const DotFns fns = kFns;

}  // namespace hone::kernels::int8_avxvnni
HWY_POP_ATTRIBUTES

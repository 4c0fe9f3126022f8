// Products of 16 bits in vectors of 512 (micro_tiles.inc has the loops).
#include <immintrin.h>

#include <cstring>
#include <limits>
#include <utility>

#include "kernels/int8/levels.h"

#include <hwy/base.h>

HWY_PUSH_ATTRIBUTES("avx,avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,avx512cd")
namespace hone::kernels::int8_avx512 {
namespace {

#include "kernels/int8/vectors_512.inc"

using Element = int16_t;
constexpr int kStep = 2, kI8Offset = 0, kPixels = 4;

inline V weights(const int8_t* from) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
inline V weights(const int16_t* from) { return _mm512_loadu_si512(from); }
inline V dot(V sums, V each, V weights) {
  return _mm512_add_epi32(sums, _mm512_madd_epi16(each, weights));
}

inline V channels(const Element* from) {
  const V order = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm512_maskz_permutexvar_epi64(0xff, order, _mm512_loadu_si512(from));
}

inline void exchange(V (&)[kStep]) {}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

constinit const DotFns fns = fns_with(&tiles<int16_t>);

}  // namespace hone::kernels::int8_avx512
HWY_POP_ATTRIBUTES

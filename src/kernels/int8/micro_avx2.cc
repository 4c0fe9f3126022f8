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
  const V all = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm256_permute4x64_epi64(all, _MM_SHUFFLE(3, 1, 2, 0));
}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

constinit const DotFns fns = fns_with(&tiles<int16_t>);

}  // namespace hone::kernels::int8_avx2
HWY_POP_ATTRIBUTES

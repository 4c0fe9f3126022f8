// Dot products of bytes in vectors of 512 (micro_tiles.inc has the loops).
#include <immintrin.h>

#include <cstring>
#include <limits>
#include <utility>

#include "kernels/int8/levels.h"

#include <hwy/base.h>

HWY_PUSH_ATTRIBUTES(
    "avx,avx2,fma,bmi,bmi2,avx512f,avx512bw,avx512dq,avx512vl,"
    "avx512cd,avx512vnni")
namespace hone::kernels::int8_avx512vnni {
namespace {

#include "kernels/int8/vectors_512.inc"

using Element = uint8_t;
constexpr int kStep = 4, kI8Offset = 128, kPixels = 3;

inline V weights(const int8_t* from) { return _mm512_loadu_si512(from); }
inline V dot(V sums, V each, V weights) { return _mm512_dpbusd_epi32(sums, each, weights); }

inline V channels(const Element* from) {
  const V order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_maskz_permutexvar_epi32(0xffff, order, _mm512_loadu_si512(from));
}

inline void exchange(V (&)[kStep]) {}

#include "kernels/int8/micro_tiles.inc"

}  // namespace

constinit const DotFns fns = fns_with(nullptr);

}  // namespace hone::kernels::int8_avx512vnni
HWY_POP_ATTRIBUTES

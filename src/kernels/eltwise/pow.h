// x to the power of y, of floats: 2^(y log2 |x|) in double precision by series with explicit FMAs,
// rounded once to float. Precision to spare makes it simple, and right but for the rarest last
// bits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/reference.h"

namespace hone::kernels {

/// log2(a) of a positive, finite, normal a = 2^e m, m in [sqrt(1/2), sqrt(2)): log2(m) is the
/// series of the inverse hyperbolic tangent in s = (m - 1) / (m + 1), |s| < 0.172.
HONE_INLINE double log2_of(double a) {
  constexpr int kTerms = 9;
  constexpr double kLog2E = 0x1.71547652b82fep+0;
  constexpr uint64_t kRootHalf = 0x3FE6A09E667F3BCD;
  const uint64_t shifted = std::bit_cast<uint64_t>(a) - kRootHalf;
  const double e = static_cast<double>(static_cast<int64_t>(shifted) >> 52);
  const double m = std::bit_cast<double>((shifted & 0xFFFFFFFFFFFFF) + kRootHalf);
  const double s = (m - 1) / (m + 1);
  double sum = 2 * kLog2E / (2 * kTerms - 1);
  for (int k = kTerms - 2; k >= 0; --k) sum = std::fma(sum, s * s, 2 * kLog2E / (2 * k + 1));
  return std::fma(s, sum, e);
}

/// 2^x for |x| <= 200, by the series of the exponential function of the fraction.
HONE_INLINE double exp2_of(double x) {
  constexpr double kRounder = 0x1.8p52;
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  const double n = (x + kRounder) - kRounder;
  const double r = (x - n) * kLn2;
  double sum = 1;
  for (int k = 12; k >= 1; --k) sum = std::fma(sum, r / k, 1);
  return sum * std::bit_cast<double>(static_cast<uint64_t>(static_cast<int64_t>(n) + 1023) << 52);
}

/// The special cases are those of the C standard.
HONE_INLINE float pow_of(float x, float y) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  if (y == 0 || x == 1) return 1;
  if (y == 2) return x * x;
  if (x != x || y != y) return std::numeric_limits<float>::quiet_NaN();
  const float a = std::fabs(x);
  if (std::fabs(y) == kInf) return a == 1 ? 1 : (a > 1) == (y > 0) ? kInf : 0;
  const bool whole = std::floor(y) == y;
  const bool odd = whole && std::fabs(y) < 0x1p24f && static_cast<int32_t>(y) % 2 != 0;
  const float sign = odd && std::signbit(x) ? -1.0f : 1.0f;
  if (a == 0 || a == kInf) return sign * ((a == 0) == (y > 0) ? 0 : kInf);
  if (x < 0 && !whole) return std::numeric_limits<float>::quiet_NaN();
  const double power = y * log2_of(a);
  return sign * static_cast<float>(exp2_of(power > 200 ? 200 : power < -200 ? -200 : power));
}

/// Integers by squaring; they wrap around, and a negative power is the truncated fraction.
template <class T>
HONE_INLINE T integer_pow(T x, T y) {
  using Unsigned = std::make_unsigned_t<std::common_type_t<T, int>>;
  if constexpr (std::is_signed_v<T>)
    if (y < 0) return x == 1 ? T{1} : x == -1 ? static_cast<T>(y % 2 == 0 ? 1 : -1) : T{0};
  Unsigned result = 1, square = static_cast<Unsigned>(x);
  for (; y != 0; y = static_cast<T>(y / 2), square *= square)
    if (y % 2 != 0) result *= square;
  return static_cast<T>(result);
}

}  // namespace hone::kernels

// The floats of 16 bits: exact conversion to float, and rounding once, to the nearest even, from
// double.
#pragma once

#include <hone/tensor.h>

#include <bit>
#include <cstdint>

namespace hone {
namespace detail {

/// The bits of `value` rounded to a float of `exponent` and `mantissa` bits below its sign.
template <int exponent, int mantissa>
constexpr uint16_t narrowed(double value) {
  constexpr int kBias = (1 << (exponent - 1)) - 1;
  constexpr uint64_t kInfinity = uint64_t{(1 << exponent) - 1} << mantissa;
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint64_t sign = bits >> 63 << (exponent + mantissa);
  const int power = static_cast<int>(bits >> 52 & 0x7FF) - 1023;
  const uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
  if (power == 1024 && fraction != 0)
    return static_cast<uint16_t>(sign | kInfinity | uint64_t{1} << (mantissa - 1) |
                                 fraction >> (52 - mantissa));
  if (power > kBias) return static_cast<uint16_t>(sign | kInfinity);
  // Below the normal range more bits are dropped; a denormal double is far below it.
  const int below = power < 1 - kBias ? 1 - kBias - power : 0;
  const int dropped = 52 - mantissa + below;
  if (dropped > 54) return static_cast<uint16_t>(sign);
  const uint64_t whole = fraction | uint64_t{1} << 52;
  const uint64_t rest = whole & ((uint64_t{1} << dropped) - 1);
  const uint64_t half = uint64_t{1} << (dropped - 1);
  uint64_t kept = whole >> dropped;
  kept += rest > half || (rest == half && (kept & 1) != 0);
  // The leading one of a normal number, or a carry into one, adds to the exponent by itself.
  if (below == 0) kept += static_cast<uint64_t>(power + kBias - 1) << mantissa;
  return static_cast<uint16_t>(sign | kept);
}

}  // namespace detail

constexpr Float16 to_float16(double value) { return {detail::narrowed<5, 10>(value)}; }
constexpr BFloat16 to_bfloat16(double value) { return {detail::narrowed<8, 7>(value)}; }

constexpr float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
constexpr float to_float(Float16 value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits >> 15) << 31;
  const uint32_t exponent = value.bits >> 10 & 31, mantissa = value.bits & 1023;
  if (exponent == 0) {
    const float denormal = static_cast<float>(mantissa) * 0x1p-24f;
    return sign == 0 ? denormal : -denormal;
  }
  const uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

}  // namespace hone

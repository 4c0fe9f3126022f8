// From a DType at run time to a C++ type at compile time, and the one rule of numeric conversion.
#pragma once

#include <hone/tensor.h>

#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/half.h"

namespace hone {

inline constexpr int kDTypes = static_cast<int>(DType::bf16) + 1;

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  else if constexpr (std::is_same_v<T, double>) return DType::f64;
  else if constexpr (std::is_same_v<T, int32_t>) return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>) return DType::i64;
  else if constexpr (std::is_same_v<T, uint8_t>) return DType::u8;
  else if constexpr (std::is_same_v<T, int8_t>) return DType::i8;
  else if constexpr (std::is_same_v<T, int16_t>) return DType::i16;
  else if constexpr (std::is_same_v<T, uint16_t>) return DType::u16;
  else if constexpr (std::is_same_v<T, uint32_t>) return DType::u32;
  else if constexpr (std::is_same_v<T, uint64_t>) return DType::u64;
  else if constexpr (std::is_same_v<T, Float16>) return DType::f16;
  else if constexpr (std::is_same_v<T, BFloat16>) return DType::bf16;
  else {
    static_assert(std::is_same_v<T, bool>, "no such dtype");
    return DType::boolean;
  }
}

/// Calls `f(T{})` with the C++ type of `dtype`.
template <class F>
decltype(auto) visit(DType dtype, F&& f) {
  switch (dtype) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i32:
      return f(int32_t{});
    case DType::i64:
      return f(int64_t{});
    case DType::u8:
      return f(uint8_t{});
    case DType::boolean:
      return f(bool{});
    case DType::i8:
      return f(int8_t{});
    case DType::i16:
      return f(int16_t{});
    case DType::u16:
      return f(uint16_t{});
    case DType::u32:
      return f(uint32_t{});
    case DType::u64:
      return f(uint64_t{});
    case DType::f16:
      return f(Float16{});
    case DType::bf16:
      return f(BFloat16{});
  }
  fail(ErrorKind::Internal, "dtype {} does not exist", static_cast<int>(dtype));
}

/// True for integers of 8 bits.
constexpr bool is_byte(DType dtype) { return dtype == DType::u8 || dtype == DType::i8; }

/// True for what there is arithmetic of: neither bool nor a float of 16 bits.
template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;
template <class T>
inline constexpr bool is_integer = is_number<T>&& std::is_integral_v<T>;
template <class T>
inline constexpr bool is_half = std::is_same_v<T, Float16> || std::is_same_v<T, BFloat16>;

/// Numeric conversion; to bool it is `value != 0`. A float outside the integer's range saturates,
/// and NaN becomes 0, so that the result never depends on the machine; an integer wraps around.
template <class To, class From>
constexpr To convert(From value) {
  if constexpr (is_half<From>) {
    return convert<To>(to_float(value));
  } else if constexpr (std::is_same_v<To, Float16>) {
    return to_float16(static_cast<double>(value));
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return to_bfloat16(static_cast<double>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr double low = static_cast<double>(std::numeric_limits<To>::min());
    constexpr double high = static_cast<double>(std::numeric_limits<To>::max());
    const double wide = value;
    if (!(wide > low)) return wide != wide ? To{0} : std::numeric_limits<To>::min();
    return wide >= high ? std::numeric_limits<To>::max() : static_cast<To>(wide);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace hone

// From a DType at run time to a C++ type at compile time, and the one rule of numeric conversion.
#pragma once

#include <hone/tensor.h>

#include <limits>
#include <type_traits>

#include "base/error.h"

namespace hone {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  else if constexpr (std::is_same_v<T, double>) return DType::f64;
  else if constexpr (std::is_same_v<T, int32_t>) return DType::i32;
  else if constexpr (std::is_same_v<T, int64_t>) return DType::i64;
  else if constexpr (std::is_same_v<T, uint8_t>) return DType::u8;
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
  }
  fail(ErrorKind::Internal, "dtype {} does not exist", static_cast<int>(dtype));
}

/// Numeric conversion; to bool it is `value != 0`. A float outside the integer's range saturates,
/// and NaN becomes 0, so that the result never depends on the machine.
template <class To, class From>
constexpr To convert(From value) {
  if constexpr (std::is_same_v<To, bool>) {
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

// One step of a contraction.
#pragma once

#include <cmath>
#include <type_traits>

#include "kernels/reference.h"

namespace hone::kernels {

/// a * b + sum: fused for floats; integers wrap around.
template <class T>
HONE_INLINE T multiply_add(T a, T b, T sum) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fma(a, b, sum);
  } else {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(a) * static_cast<Unsigned>(b) +
                          static_cast<Unsigned>(sum));
  }
}

}  // namespace hone::kernels

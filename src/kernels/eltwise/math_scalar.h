// The elementary functions on one float (see math.h), for the scalar references.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/reference.h"

namespace hone::kernels::scalar_math {

using V = float;
using U = uint32_t;

HONE_INLINE V splat(float x) { return x; }
HONE_INLINE V fma(V a, V b, V c) { return std::fma(a, b, c); }
HONE_INLINE V choose(bool mask, V yes, V no) { return mask ? yes : no; }
HONE_INLINE V magnitude(V x) { return std::fabs(x); }
HONE_INLINE V with_sign(V magnitude, V sign) { return std::copysign(magnitude, sign); }
HONE_INLINE U splat_bits(uint32_t x) { return x; }
HONE_INLINE U bits(V x) { return std::bit_cast<U>(x); }
HONE_INLINE V from_bits(U x) { return std::bit_cast<V>(x); }
HONE_INLINE V to_float(U x) { return static_cast<float>(static_cast<int32_t>(x)); }
template <int n>
HONE_INLINE U shift_left(U x) {
  return x << n;
}
template <int n>
HONE_INLINE U shift_right(U x) {
  return static_cast<U>(static_cast<int32_t>(x) >> n);
}

#include "kernels/eltwise/math.h"

}  // namespace hone::kernels::scalar_math

// Functions that need no op of their own: built from the primitives so that nothing of their
// accuracy is lost, where the textbook's formula would cancel or overflow.
#pragma once

#include <limits>
#include <numbers>

#include "ir/expr.h"

namespace hone::ir {

// Logic. Comparisons with NaN are false.
inline Expr logical_not(Expr a) { return equal(a, scalar_like(a, 0)); }
inline Expr logical_and(Expr a, Expr b) { return select(a, b, scalar_like(b, 0)); }
inline Expr logical_or(Expr a, Expr b) { return select(a, scalar_like(b, 1), b); }
inline Expr logical_xor(Expr a, Expr b) { return logical_not(equal(a, b)); }
inline Expr greater_or_equal(Expr a, Expr b) { return logical_or(greater(a, b), equal(a, b)); }
inline Expr is_nan(Expr x) { return logical_not(equal(x, x)); }

inline Expr ceil(Expr x) { return -floor(-x); }
/// -1, 1, or x itself where it is a zero or NaN.
inline Expr sign(Expr x) {
  const Expr one = scalar_like(x, 1);
  return select(greater(x, 0), one, select(greater(scalar_like(x, 0), x), scalar_like(x, -1), x));
}
/// The remainder of floored division, of integers: it has the sign of b.
inline Expr floor_mod(Expr a, Expr b) {
  const Expr r = mod(a, b), zero = scalar_like(r, 0);
  const Expr turns = logical_xor(greater(r, zero), greater(b, zero));
  return select(equal(r, zero), r, select(turns, r + b, r));
}
/// Shifts of integers, unsigned where they go right; one by as many bits as there are, or more,
/// leaves 0.
inline Expr shift_left(Expr a, Expr bits) { return a * pow(scalar_like(a, 2), bits); }
inline Expr shift_right(Expr a, Expr bits) { return a / pow(scalar_like(a, 2), bits); }

/// `odd_half(|x|)` with the sign of x.
inline Expr with_sign_of(Expr x, Expr odd_half) {
  return select(greater(scalar_like(x, 0), x), -odd_half, odd_half);
}

inline Expr tan(Expr x) { return sin(x) / cos(x); }
inline Expr cosh(Expr x) {
  const Expr root = exp(abs(x) * 0.5);  // e^|x| itself would overflow before its half does
  return (0.5 * root) * root + 0.5 / (root * root);
}
inline Expr sinh(Expr x) { return tanh(x) * cosh(x); }

/// log(1 + x), and what rounding took from 1 + x.
inline Expr log1p(Expr x) {
  const Expr u = 1 + x;
  const Expr lost = (x - (u - 1)) / u;
  const Expr finite = logical_and(
      greater(u, 0), greater(scalar_like(u, std::numeric_limits<double>::infinity()), u));
  return log(u) + select(finite, lost, scalar_like(u, 0));
}
inline Expr asin(Expr x) { return atan(x / sqrt((1 - x) * (1 + x))); }
inline Expr acos(Expr x) { return 2 * atan(sqrt((1 - x) / (1 + x))); }
/// For large x the square under the root would overflow.
inline Expr asinh(Expr x) {
  const Expr a = abs(x), large = greater(a, 1e9);
  const Expr middle = select(large, scalar_like(a, 1), a);
  const Expr plain = log1p(middle + middle * (middle / (1 + sqrt(middle * middle + 1))));
  return with_sign_of(x, select(large, log(a) + std::numbers::ln2, plain));
}
inline Expr acosh(Expr x) {
  const Expr large = greater(x, 1e9), below = greater(scalar_like(x, 1), x);
  const Expr t = select(large, scalar_like(x, 1), x - 1);
  const Expr plain = log1p(t + sqrt(t * (t + 2)));
  const Expr nan = scalar_like(x, std::numeric_limits<double>::quiet_NaN());
  return select(below, nan, select(large, log(x) + std::numbers::ln2, plain));
}
inline Expr atanh(Expr x) {
  const Expr a = abs(x);
  return with_sign_of(x, 0.5 * log1p(2 * a / (1 - a)));
}

}  // namespace hone::ir

// Scalar references of the elementwise ops: one loop with broadcasting, and a function per op. This
// file defines their bits (docs/numerics.md, "Elementwise ops").
#include "kernels/reference.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "base/dtype.h"
#include "kernels/eltwise/broadcast.h"
#include "kernels/eltwise/math_scalar.h"
#include "kernels/eltwise/pow.h"
#include "kernels/families.h"

// An always-inlined lambda is compiled for its caller's target, with hardware FMA or without.
#define HONE_EACH(...) [=](__VA_ARGS__) __attribute__((always_inline))

namespace hone::kernels {
namespace {

/// Calls f(place of the result, places of the n operands) for every element of the result, in
/// order.
template <size_t n, class F>
HONE_INLINE void for_each_place(const RefCall& call, F f) {
  const Shape& shape = call.results[0].shape();
  std::array<std::vector<int64_t>, n> strides;
  for (size_t i = 0; i < n; ++i) strides[i] = broadcast_strides(call.operands[i].shape(), shape);
  std::vector<int64_t> index(shape.dims().size(), 0);
  std::array<int64_t, n> at{};
  for (int64_t place = 0, total = shape.elements(); place < total; ++place) {
    f(place, at);
    for (size_t axis = index.size(); axis-- > 0;) {
      const bool wraps = ++index[axis] == shape.dims()[axis];
      const int64_t step = wraps ? 1 - index[axis] : 1;
      for (size_t i = 0; i < n; ++i) at[i] += step * strides[i][axis];
      if (!wraps) break;
      index[axis] = 0;
    }
  }
}

template <class Out, class In, class F>
HONE_INLINE void map(const RefCall& call, F f) {
  Out* out = call.out<Out>(0);
  const In* a = call.in<In>(0);
  if constexpr (std::is_invocable_v<F, In>) {
    for_each_place<1>(
        call, HONE_EACH(int64_t i, const auto& at) { out[i] = f(a[at[0]]); });
  } else {
    const In* b = call.in<In>(1);
    for_each_place<2>(
        call, HONE_EACH(int64_t i, const auto& at) { out[i] = f(a[at[0]], b[at[1]]); });
  }
}

[[noreturn]] void refuse_dtype(const RefCall& call, std::string_view expected) {
  fail(ErrorKind::Unsupported, "{} of {}: expected {}", call.node->op->name,
       name_of(call.operands[0].type->dtype), expected);
}

/// Floats of 16 bits: computed as f32, rounded to what they are. They and integers are rare, so
/// they are compiled for no target of their own.
template <class V, class F>
[[gnu::noinline]] void halves(const RefCall& call, F f) {
  map<V, V>(
      call, [=](auto... x) requires std::is_invocable_v<F, decltype(to_float(x))...> {
        return convert<V>(f(to_float(x)...));
      });
}

/// An op that is defined for floats only (f32 is held as T).
template <class T, class F>
HONE_INLINE void real(const RefCall& call, F f) {
  const DType dtype = call.operands[0].type->dtype;
  if (dtype == dtype_of<T>()) map<T, T>(call, f);
  else if (dtype == DType::f16) halves<Float16>(call, f);
  else if (dtype == DType::bf16) halves<BFloat16>(call, f);
  else refuse_dtype(call, "f32");
}

/// Integers of any width, and floats of 16 bits.
template <class F>
[[gnu::noinline]] void other_numbers(const RefCall& call, F f) {
  visit(call.operands[0].type->dtype, [&]<class V>(V) {
    if constexpr (is_integer<V>) map<V, V>(call, f);
    else if constexpr (is_half<V>) halves<V>(call, f);
    else refuse_dtype(call, "f32 or an integer");
  });
}

/// An op that is defined for integers too.
template <class T, class F>
HONE_INLINE void arithmetic(const RefCall& call, F f) {
  if (call.operands[0].type->dtype == dtype_of<T>()) map<T, T>(call, f);
  else other_numbers(call, f);
}

/// Integers wrap around; computing in unsigned is how C++ says so.
template <class T, class F>
HONE_INLINE T wrapping(T a, T b, F f) {
  if constexpr (std::is_integral_v<T>) {
    // Wide enough not to be promoted to int, whose products overflow.
    using Unsigned = std::make_unsigned_t<std::common_type_t<T, int>>;
    return static_cast<T>(f(static_cast<Unsigned>(a), static_cast<Unsigned>(b)));
  } else {
    return f(a, b);
  }
}

template <class T>
HONE_INLINE T quotient(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    // What the hardware would trap on is defined here: x / 0 is 0, and x / -1 wraps.
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1)
        return wrapping(
            T{0}, a, HONE_EACH(auto x, auto y) { return x - y; });
  }
  return a / b;
}

/// NaN wins; among zeros, +0 is the larger.
template <class T>
HONE_INLINE T larger(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}

template <class T>
HONE_INLINE T smaller(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}

template <class T>
HONE_INLINE T absolute(T x) {
  if constexpr (std::is_floating_point_v<T>) return std::fabs(x);
  else if constexpr (std::is_unsigned_v<T>) return x;
  else
    return x < 0 ? wrapping(
                       T{0}, x, HONE_EACH(auto a, auto b) { return a - b; })
                 : x;
}

template <class T>
HONE_INLINE T negated(T x) {
  if constexpr (std::is_floating_point_v<T>) return -x;
  else
    return wrapping(
        T{0}, x, HONE_EACH(auto a, auto b) { return a - b; });
}

/// The remainder of truncated division, which no rounding touches.
template <class T>
HONE_INLINE T remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return 0;
    return static_cast<T>(a % b);
  } else {
    return std::fmod(a, b);
  }
}

template <class T>
HONE_INLINE T power(T a, T b) {
  if constexpr (std::is_integral_v<T>) return integer_pow(a, b);
  else if constexpr (std::is_same_v<T, float>) return pow_of(a, b);
  else return std::pow(a, b);
}

double sigmoid_in_double(double x) { return 1 / (1 + std::exp(-x)); }

// An elementary function: hone's own in float, libm's in double.
#define HONE_MATH(NAME, IN_DOUBLE)                                             \
  template <class T>                                                           \
  HONE_INLINE void NAME(const RefCall& call) {                                 \
    real<T>(                                                                   \
        call, HONE_EACH(T x) {                                                 \
          if constexpr (std::is_same_v<T, float>) return scalar_math::NAME(x); \
          else return IN_DOUBLE(x);                                            \
        });                                                                    \
  }
HONE_MATH(exp, std::exp)
HONE_MATH(log, std::log)
HONE_MATH(tanh, std::tanh)
HONE_MATH(sigmoid, sigmoid_in_double)
HONE_MATH(erf, std::erf)
HONE_MATH(cos, std::cos)
HONE_MATH(sin, std::sin)
HONE_MATH(atan, std::atan)
#undef HONE_MATH

template <class T>
HONE_INLINE void sqrt(const RefCall& call) {
  real<T>(
      call, HONE_EACH(T x) { return std::sqrt(x); });
}

template <class T>
HONE_INLINE void floor(const RefCall& call) {
  real<T>(
      call, HONE_EACH(T x) { return std::floor(x); });
}
template <class T>
HONE_INLINE void round(const RefCall& call) {
  real<T>(
      call, HONE_EACH(T x) { return std::nearbyint(x); });
}

#define HONE_UNARY(NAME, EXPRESSION)                     \
  template <class T>                                     \
  HONE_INLINE void NAME(const RefCall& call) {           \
    arithmetic<T>(                                       \
        call, HONE_EACH(auto x) { return EXPRESSION; }); \
  }
HONE_UNARY(neg, negated(x))
HONE_UNARY(abs, absolute(x))
HONE_UNARY(relu, x > 0 || x != x ? x : decltype(x){0})
#undef HONE_UNARY

#define HONE_BINARY(NAME, EXPRESSION)                                   \
  template <class T>                                                    \
  HONE_INLINE void NAME(const RefCall& call) {                          \
    arithmetic<T>(                                                      \
        call, HONE_EACH(auto a, decltype(a) b) { return EXPRESSION; }); \
  }
HONE_BINARY(add, wrapping(
                     a, b, HONE_EACH(auto x, auto y) { return x + y; }))
HONE_BINARY(sub, wrapping(
                     a, b, HONE_EACH(auto x, auto y) { return x - y; }))
HONE_BINARY(mul, wrapping(
                     a, b, HONE_EACH(auto x, auto y) { return x * y; }))
HONE_BINARY(div, quotient(a, b))
HONE_BINARY(max, larger(a, b))
HONE_BINARY(min, smaller(a, b))
HONE_BINARY(pow, power(a, b))
HONE_BINARY(mod, remainder(a, b))
#undef HONE_BINARY

// The rest moves or compares values of any dtype, so T does not matter: the views tell.

template <class T, class F>
HONE_INLINE void compare(const RefCall& call, F f) {
  visit(call.operands[0].type->dtype, [&]<class V>(V) {
    if constexpr (is_half<V>)
      map<bool, V>(
          call, HONE_EACH(V a, V b) { return f(to_float(a), to_float(b)); });
    else map<bool, V>(call, f);
  });
}

template <class T>
HONE_INLINE void equal(const RefCall& call) {
  compare<T>(
      call, HONE_EACH(auto a, decltype(a) b) { return a == b; });
}

template <class T>
HONE_INLINE void greater(const RefCall& call) {
  compare<T>(
      call, HONE_EACH(auto a, decltype(a) b) { return a > b; });
}

template <class T>
HONE_INLINE void select(const RefCall& call) {
  visit(call.results[0].type->dtype, [&]<class V>(V) {
    const bool* condition = call.in<bool>(0);
    const V* yes = call.in<V>(1);
    const V* no = call.in<V>(2);
    V* out = call.out<V>(0);
    for_each_place<3>(
        call, HONE_EACH(int64_t i, const auto& at) {
          out[i] = condition[at[0]] ? yes[at[1]] : no[at[2]];
        });
  });
}

template <class T>
HONE_INLINE void cast(const RefCall& call) {
  visit(call.operands[0].type->dtype, [&]<class From>(From) {
    visit(call.results[0].type->dtype, [&]<class To>(To) {
      map<To, From>(
          call, HONE_EACH(From x) { return convert<To>(x); });
    });
  });
}

constexpr ReferenceRow kRows[] = {
    HONE_REFERENCE(neg),    HONE_REFERENCE(abs),  HONE_REFERENCE(exp),     HONE_REFERENCE(log),
    HONE_REFERENCE(sqrt),   HONE_REFERENCE(tanh), HONE_REFERENCE(sigmoid), HONE_REFERENCE(erf),
    HONE_REFERENCE(cos),    HONE_REFERENCE(relu), HONE_REFERENCE(add),     HONE_REFERENCE(sub),
    HONE_REFERENCE(mul),    HONE_REFERENCE(div),  HONE_REFERENCE(max),     HONE_REFERENCE(min),
    HONE_REFERENCE(sin),    HONE_REFERENCE(atan), HONE_REFERENCE(floor),   HONE_REFERENCE(round),
    HONE_REFERENCE(pow),    HONE_REFERENCE(mod),  HONE_REFERENCE(equal),   HONE_REFERENCE(greater),
    HONE_REFERENCE(select), HONE_REFERENCE(cast),
};

}  // namespace

std::span<const ReferenceRow> eltwise_reference() { return kRows; }

}  // namespace hone::kernels

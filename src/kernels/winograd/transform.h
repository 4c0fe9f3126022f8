// The transforms of Winograd's minimal filtering, along one axis, written once. This file is
// included *inside a namespace* that has defined, for float types V (float and double in
// reference.cc, a Highway vector in micro.cc): + - * and
//
//   splat<V>(double)  fma(a, b, c)
//
// so that the scalar and the vector code are one sequence of operations, hence the same bits. For
// integers, of F(2, 3) alone, + and - are enough.
//
// F(m, 3) gives m outputs of a filter of 3 taps by multiplying in t = m + 2 places instead of 3 m.
// A filter and a piece of t inputs are polynomials that are evaluated at t points, infinity among
// them; the products are the values of the result's polynomial, from which its coefficients follow
// (Winograd 1980; Lavin and Gray 2016). The points of F(4, 3) are 0, +-sqrt(1/2), +-sqrt(2) and
// infinity: the usual 0, +-1, +-2 have an error five times as large in binary32.

/// What is multiplied: a filter, at the points.
template <int m>
struct WinogradFilter;
/// A piece of the input, at the points.
template <int m>
struct WinogradInput;
/// The outputs, of the products.
template <int m>
struct WinogradOutput;

template <>
struct WinogradFilter<2> {
  static constexpr int from = 3, to = 4;
  template <class V>
  HONE_INLINE static void apply(const V (&g)[3], V (&u)[4]) {
    const V half = splat<V>(0.5), ends = g[0] + g[2];
    u[0] = g[0];
    u[1] = half * (ends + g[1]);
    u[2] = half * (ends - g[1]);
    u[3] = g[2];
  }
};

/// Twice that, which integers hold.
struct WinogradDoubledFilter {
  static constexpr int from = 3, to = 4;
  template <class V>
  HONE_INLINE static void apply(const V (&g)[3], V (&u)[4]) {
    const V ends = g[0] + g[2];
    u[0] = g[0] + g[0];
    u[1] = ends + g[1];
    u[2] = ends - g[1];
    u[3] = g[2] + g[2];
  }
};

template <>
struct WinogradInput<2> {
  static constexpr int from = 4, to = 4;
  template <class V>
  HONE_INLINE static void apply(const V (&d)[4], V (&v)[4]) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  }
};

template <>
struct WinogradOutput<2> {
  static constexpr int from = 4, to = 2;
  template <class V>
  HONE_INLINE static void apply(const V (&s)[4], V (&y)[2]) {
    y[0] = s[0] + s[1] + s[2];
    y[1] = s[1] - s[2] - s[3];
  }
};

inline constexpr double kWinogradPoint = 0x1.6a09e667f3bcdp-1;  // sqrt(1/2), half of the other one

template <>
struct WinogradFilter<4> {
  static constexpr int from = 3, to = 6;
  template <class V>
  HONE_INLINE static void apply(const V (&g)[3], V (&u)[6]) {
    const V near = fma(splat<V>(0.5), g[2], g[0]), far = fma(splat<V>(2), g[2], g[0]);
    const V third = splat<V>(-2.0 / 3), sixth = splat<V>(1.0 / 6);
    u[0] = g[0];
    u[1] = third * fma(splat<V>(kWinogradPoint), g[1], near);
    u[2] = third * fma(splat<V>(-kWinogradPoint), g[1], near);
    u[3] = sixth * fma(splat<V>(2 * kWinogradPoint), g[1], far);
    u[4] = sixth * fma(splat<V>(-2 * kWinogradPoint), g[1], far);
    u[5] = g[2];
  }
};

template <>
struct WinogradInput<4> {
  static constexpr int from = 6, to = 6;
  template <class V>
  HONE_INLINE static void apply(const V (&d)[6], V (&v)[6]) {
    const V even_near = fma(splat<V>(-2), d[2], d[4]), odd_near = fma(splat<V>(-2), d[1], d[3]);
    const V even_far = fma(splat<V>(-0.5), d[2], d[4]), odd_far = fma(splat<V>(-0.5), d[1], d[3]);
    v[0] = fma(splat<V>(-2.5), d[2], d[0] + d[4]);
    v[1] = fma(splat<V>(kWinogradPoint), odd_near, even_near);
    v[2] = fma(splat<V>(-kWinogradPoint), odd_near, even_near);
    v[3] = fma(splat<V>(2 * kWinogradPoint), odd_far, even_far);
    v[4] = fma(splat<V>(-2 * kWinogradPoint), odd_far, even_far);
    v[5] = fma(splat<V>(-2.5), d[3], d[1] + d[5]);
  }
};

template <>
struct WinogradOutput<4> {
  static constexpr int from = 6, to = 4;
  template <class V>
  HONE_INLINE static void apply(const V (&s)[6], V (&y)[4]) {
    const V half = splat<V>(0.5);
    const V near_sum = s[1] + s[2], near = s[1] - s[2], far_sum = s[3] + s[4], far = s[3] - s[4];
    y[0] = s[0] + near_sum + far_sum;
    y[1] = splat<V>(kWinogradPoint) * fma(splat<V>(2), far, near);
    y[2] = fma(splat<V>(2), far_sum, half * near_sum);
    y[3] = fma(splat<V>(kWinogradPoint), fma(splat<V>(4), far, half * near), s[5]);
  }
};

/// In two dimensions: along the rows of each column, then along the columns of each row, of what
/// value(i, j) gives; calls store(i, made) with each row. The loops stay loops: a column or a row
/// fits the registers, all 36 values do not.
template <class Along, class V, class Value, class Store>
HONE_INLINE void transform_2d(Value&& value, Store&& store) {
  V rows[Along::to][Along::from];
#pragma GCC unroll 1
  for (int j = 0; j < Along::from; ++j) {
    V column[Along::from], made[Along::to];
#pragma GCC unroll 6
    for (int i = 0; i < Along::from; ++i) column[i] = value(i, j);
    Along::apply(column, made);
#pragma GCC unroll 6
    for (int i = 0; i < Along::to; ++i) rows[i][j] = made[i];
  }
#pragma GCC unroll 1
  for (int i = 0; i < Along::to; ++i) {
    V made[Along::to];
    Along::apply(rows[i], made);
    store(i, made);
  }
}

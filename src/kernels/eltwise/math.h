// hone's elementary functions, written once. This file is included *inside a namespace* that has
// defined a float type V (float in math_scalar.h, a Highway vector in tile_simd.cc), an unsigned
// 32-bit type U of as many lanes, and these operations on them:
//
//   V: + - * / < ==  splat(float)  fma(a, b, c)  choose(mask, yes, no)  magnitude(x)
//      with_sign(magnitude, sign)
//   U: + - & ^  splat_bits(uint32_t)  shift_left<n>  shift_right<n> (arithmetic)
//   between them: bits(V)  from_bits(U)  to_float(U) (of a signed integer)
//
// The scalar and the vector code are thus one sequence of operations, hence the same bits. The
// polynomials are minimax fits (Remez, in 50 digits, rounded to binary32); each is within 2 ulp.
// NaN passes because `<` is false for it, so every `choose` leaves it in the data path.

// Adding this to |v| < 2^22 rounds v to an integer, which is then in the low bits.
inline constexpr float kRounder = 0x1.8p23f;
inline constexpr uint32_t kRounderBits = 0x4B400000;

/// c0 + c1 x + c2 x^2 + ..., by Horner's rule.
template <int n>
HONE_INLINE V polynomial(V x, const float (&c)[n]) {
  V sum = splat(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) sum = fma(sum, x, splat(c[i]));
  return sum;
}

/// 2^n for n in [-126, 127], held as an integer.
HONE_INLINE V power_of_two(U n) { return from_bits(shift_left<23>(n + splat_bits(127))); }

/// x = n ln 2 + r with |r| <= ln(2) / 2; `tail` is e^r - 1.
struct ExpParts {
  U n;
  V tail;
};

HONE_INLINE ExpParts exp_parts(V x) {
  constexpr float kQ[] = {0x1p-1f,        0x1.555554p-3f,  0x1.55548ep-5f,
                          0x1.111272p-7f, 0x1.6d8d52p-10f, 0x1.9f0868p-13f};
  const V rounded = fma(x, splat(0x1.715476p+0f), splat(kRounder));
  const V n = rounded - splat(kRounder);
  V r = fma(n, splat(-0x1.62e43p-1f), x);
  r = fma(n, splat(0x1.05c61p-29f), r);
  return {bits(rounded) - splat_bits(kRounderBits), fma(r * r, polynomial(r, kQ), r)};
}

HONE_INLINE V exp(V x) {
  // Beyond these bounds the result is infinity or +0 anyway.
  x = choose(splat(89.0f) < x, splat(89.0f), x);
  x = choose(x < splat(-104.0f), splat(-104.0f), x);
  const ExpParts e = exp_parts(x);
  // 2^n in two factors, so that neither leaves the range and a denormal is rounded once.
  const U half = shift_right<1>(e.n);
  return (e.tail + splat(1.0f)) * power_of_two(half) * power_of_two(e.n - half);
}

HONE_INLINE V log(V x) {
  constexpr float kP[] = {0x1.555548p-2f,  -0x1.000006p-2f, 0x1.99a4b6p-3f,
                          -0x1.555c4ep-3f, 0x1.23376ap-3f,  -0x1.fc220ap-4f,
                          0x1.e6f052p-4f,  -0x1.de3bdep-4f, 0x1.14578p-4f};
  constexpr uint32_t kRootHalf = 0x3F3504F3;  // sqrt(1/2)
  constexpr float kInf = __builtin_inff();
  const auto denormal = x < splat(0x1p-126f);
  const V normal = choose(denormal, x * splat(0x1p25f), x);
  // x = 2^e (1 + f), 1 + f in [sqrt(1/2), sqrt(2)).
  const U shifted = bits(normal) - splat_bits(kRootHalf);
  const V e = to_float(shift_right<23>(shifted)) + choose(denormal, splat(-25.0f), splat(0.0f));
  const V f = from_bits((shifted & splat_bits(0x007FFFFF)) + splat_bits(kRootHalf)) - splat(1.0f);
  const V ff = f * f;
  V y = fma(e, splat(-0x1.05c61p-29f), ff * f * polynomial(f, kP));
  y = fma(ff, splat(-0.5f), y);
  y = fma(e, splat(0x1.62e43p-1f), f + y);
  y = choose(x < splat(kInf), y, x);
  y = choose(x < splat(0.0f), splat(__builtin_nanf("")), y);
  return choose(x == splat(0.0f), splat(-kInf), y);
}

/// x + x^3 P(x^2) below 1/2, and (e^2a - 1) / (e^2a + 1), a = |x|, from there on.
HONE_INLINE V tanh(V x) {
  constexpr float kP[] = {-0x1.555552p-2f, 0x1.110f22p-3f, -0x1.b98accp-5f, 0x1.5cf242p-6f,
                          -0x1.b3a65ep-8f};
  const V a = magnitude(x);
  const V aa = a * a;
  const V small = fma(a * aa, polynomial(aa, kP), a);
  const V clamped = choose(splat(10.0f) < a, splat(10.0f), a);
  const ExpParts e = exp_parts(clamped + clamped);
  const V scale = power_of_two(e.n);
  const V minus_one = fma(scale, e.tail, scale - splat(1.0f));
  return with_sign(choose(a < splat(0.5f), small, minus_one / (minus_one + splat(2.0f))), x);
}

/// z / (1 + z) or 1 / (1 + z) for z = e^-|x|: never overflows, and keeps denormal results.
HONE_INLINE V sigmoid(V x) {
  const V one = splat(1.0f);
  const V z = exp(splat(0.0f) - magnitude(x));
  const V numerator = choose(x < splat(0.0f), z, one);
  const V sum = one + z;
  const V lost = (one - sum) + z;  // exactly what rounding took from the sum
  const V inverse = one / sum;
  const V quotient = numerator * inverse;
  const V remainder =
      fma(splat(0.0f) - quotient, lost, fma(splat(0.0f) - quotient, sum, numerator));
  return fma(remainder, inverse, quotient);
}

/// x + x P(x^2) below 1, and 1 - exp(Q(|x|)), Q being log(erfc), from there on.
HONE_INLINE V erf(V x) {
  constexpr float kP[] = {0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2dp-4f,  -0x1.b7f97ep-6f,
                          0x1.540898p-8f, -0x1.a4096p-11f, 0x1.49971p-14f};
  constexpr float kQ[] = {0x1.8b3ecap-13f, -0x1.212c2cp+0f, -0x1.4434fp-1f,  -0x1.bc18cep-4f,
                          0x1.9d0bdp-6f,   -0x1.1398f2p-8f, 0x1.ceead4p-12f, -0x1.6c066ap-16f};
  const V a = magnitude(x);
  const V small = fma(x, polynomial(x * x, kP), x);
  const V clamped = choose(splat(4.0f) < a, splat(4.0f), a);
  const V large = with_sign(splat(1.0f) - exp(polynomial(clamped, kQ)), x);
  return choose(a < splat(1.0f), small, large);
}

/// a = n pi/2 + r: the sine and the cosine of r, and n in the low bits of `quadrant`. Good for a up
/// to some thousands; for any finite a both stay within [-1, 1].
struct TrigParts {
  V sine, cosine;
  U quadrant;
};

HONE_INLINE TrigParts trig_parts(V a) {
  constexpr float kSin[] = {-0x1.555546p-3f, 0x1.110736p-7f, -0x1.994222p-13f};
  constexpr float kCos[] = {0x1.55554ap-5f, -0x1.6c0c2ep-10f, 0x1.99ea04p-16f};
  constexpr float kBound = 0x1.93p-1f;  // a little more than pi / 4
  const V rounded = fma(a, splat(0x1.45f306p-1f), splat(kRounder));
  const V n = rounded - splat(kRounder);
  V r = fma(n, splat(-0x1.921fb6p+0f), a);
  r = fma(n, splat(0x1.777a5cp-25f), r);
  r = fma(n, splat(0x1.ee59dap-50f), r);
  r = choose(r < splat(-kBound), splat(-kBound), r);
  r = choose(splat(kBound) < r, splat(kBound), r);
  const V rr = r * r;
  return {fma(r * rr, polynomial(rr, kSin), r),
          fma(rr, fma(rr, polynomial(rr, kCos), splat(-0.5f)), splat(1.0f)), bits(rounded)};
}

HONE_INLINE V cos(V x) {
  const TrigParts t = trig_parts(magnitude(x));
  const auto odd = to_float(t.quadrant & splat_bits(1)) == splat(1.0f);
  // Quadrants 1 and 2 are negative: bit 1 of quadrant + 1.
  const U sign = shift_left<30>(t.quadrant + splat_bits(1)) & splat_bits(0x80000000);
  return from_bits(bits(choose(odd, t.sine, t.cosine)) ^ sign);
}

HONE_INLINE V sin(V x) {
  const TrigParts t = trig_parts(magnitude(x));
  const auto odd = to_float(t.quadrant & splat_bits(1)) == splat(1.0f);
  // Quadrants 2 and 3 are negative; a negative x turns the sign.
  const U sign = (shift_left<30>(t.quadrant) ^ bits(x)) & splat_bits(0x80000000);
  return from_bits(bits(choose(odd, t.cosine, t.sine)) ^ sign);
}

/// x + x^3 P(x^2) up to 1, and pi/2 - atan(1 / x) beyond.
HONE_INLINE V atan(V x) {
  constexpr float kP[] = {-0x1.55553ep-2f, 0x1.9991fep-3f,  -0x1.2421b6p-3f,
                          0x1.c09a02p-4f,  -0x1.58349cp-4f, 0x1.daca04p-5f,
                          -0x1.fed19ap-6f, 0x1.65a694p-7f,  -0x1.d63048p-10f};
  const V a = magnitude(x);
  const auto beyond = splat(1.0f) < a;
  const V r = choose(beyond, splat(1.0f) / a, a);
  const V rr = r * r;
  const V inner = fma(r * rr, polynomial(rr, kP), r);
  const V outer = (splat(0x1.921fb6p+0f) - inner) + splat(-0x1.777a5cp-25f);
  return with_sign(choose(beyond, outer, inner), x);
}

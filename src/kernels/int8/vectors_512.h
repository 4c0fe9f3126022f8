// Vectors of 512 bits. Included inside a namespace that has set the instructions.

using V = __m512i;
using F = __m512;
constexpr int kLanes = 16, kRows = 12;

inline V zero() { return _mm512_setzero_si512(); }
inline V splat(int32_t x) { return _mm512_set1_epi32(x); }
inline V load(const int32_t* from) { return _mm512_loadu_si512(from); }
inline void store(int32_t* to, V v) { _mm512_storeu_si512(to, v); }
// The first n lanes.
inline __mmask16 mask_of(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }
inline V load_first(int64_t n, const int32_t* from) {
  return _mm512_maskz_loadu_epi32(mask_of(n), from);
}
inline void store_first(int64_t n, int32_t* to, V v) {
  _mm512_mask_storeu_epi32(to, mask_of(n), v);
}
inline V add(V a, V b) { return _mm512_add_epi32(a, b); }
// Weights of four bytes for taps that are one later.
inline V one_later(V w) { return _mm512_maskz_slli_epi32(0xffff, w, 8); }
inline V clamp(V x, V low, V high) {
  return _mm512_maskz_min_epi32(0xffff, _mm512_maskz_max_epi32(0xffff, x, low), high);
}
// n bytes.
template <bool is_signed>
inline V load_bytes(int64_t n, const std::byte* from) {
  const __m128i bytes = n >= kLanes ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(from))
                                    : _mm_maskz_loadu_epi8(mask_of(n), from);
  return is_signed ? _mm512_maskz_cvtepi8_epi32(0xffff, bytes)
                   : _mm512_maskz_cvtepu8_epi32(0xffff, bytes);
}

inline F splat(float x) { return _mm512_set1_ps(x); }
inline F load(const float* from) { return _mm512_loadu_ps(from); }
inline F load_first(int64_t n, const float* from) {
  return _mm512_maskz_loadu_ps(mask_of(n), from);
}
inline F to_f32(V v) { return _mm512_maskz_cvtepi32_ps(0xffff, v); }
inline F plus(F a, F b) { return _mm512_add_ps(a, b); }
inline F times(F a, F b) { return _mm512_mul_ps(a, b); }
inline F clamp(F x, F low, F high) {
  return _mm512_maskz_min_ps(0xffff, _mm512_maskz_max_ps(0xffff, x, low), high);
}
inline V nearest(F x) { return _mm512_maskz_cvtps_epi32(0xffff, x); }

// As u8, or i8, which saturate.
template <bool is_signed>
inline void store_bytes(int64_t n, std::byte* to, V v) {
  const __m128i bytes =
      is_signed ? _mm512_maskz_cvtsepi32_epi8(0xffff, v)
                : _mm512_maskz_cvtusepi32_epi8(0xffff, _mm512_maskz_max_epi32(0xffff, v, zero()));
  if (n >= kLanes) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  _mm_mask_storeu_epi8(to, mask_of(n), bytes);
}

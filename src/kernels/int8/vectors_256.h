// Vectors of 256 bits, for the levels that have no longer ones. Included inside a namespace that
// has set the instructions.

using V = __m256i;
using F = __m256;
constexpr int kLanes = 8, kRows = 6;

inline V zero() { return _mm256_setzero_si256(); }
inline V splat(int32_t x) { return _mm256_set1_epi32(x); }
inline V load(const int32_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}
inline void store(int32_t* to, V v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
// The first n lanes.
inline V mask_of(int64_t n) {
  const V lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lanes);
}
inline V load_first(int64_t n, const int32_t* from) {
  return _mm256_maskload_epi32(from, mask_of(n));
}
inline void store_first(int64_t n, int32_t* to, V v) { _mm256_maskstore_epi32(to, mask_of(n), v); }
inline V add(V a, V b) { return _mm256_add_epi32(a, b); }
// Weights of four bytes for taps that are one later.
inline V one_later(V w) { return _mm256_slli_epi32(w, 8); }
inline V clamp(V x, V low, V high) { return _mm256_min_epi32(_mm256_max_epi32(x, low), high); }
// n bytes.
template <bool is_signed>
inline V load_bytes(int64_t n, const std::byte* from) {
  int64_t all = 0;
  std::memcpy(&all, from, static_cast<size_t>(n < kLanes ? n : kLanes));
  const __m128i bytes = _mm_cvtsi64_si128(all);
  return is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
}

inline F splat(float x) { return _mm256_set1_ps(x); }
inline F load(const float* from) { return _mm256_loadu_ps(from); }
inline F load_first(int64_t n, const float* from) { return _mm256_maskload_ps(from, mask_of(n)); }
inline F to_f32(V v) { return _mm256_cvtepi32_ps(v); }
inline F plus(F a, F b) { return _mm256_add_ps(a, b); }
inline F times(F a, F b) { return _mm256_mul_ps(a, b); }
inline F clamp(F x, F low, F high) { return _mm256_min_ps(_mm256_max_ps(x, low), high); }
inline V nearest(F x) { return _mm256_cvtps_epi32(x); }

// As u8, or i8, which saturate.
template <bool is_signed>
inline void store_bytes(int64_t n, std::byte* to, V v) {
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i bytes = is_signed ? _mm_packs_epi16(words, words) : _mm_packus_epi16(words, words);
  if (n >= kLanes) return _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
  const int64_t all = _mm_cvtsi128_si64(bytes);
  std::memcpy(to, &all, static_cast<size_t>(n));
}

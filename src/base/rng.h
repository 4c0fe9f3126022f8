// Counter-based random numbers: every draw is a pure function of (key, counter), so that it does
// not matter which thread or worker draws it, or in which order (docs/numerics.md, "Randomness").
#pragma once

#include <cstdint>
#include <string_view>

namespace hone {

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011).
struct Philox {
  uint32_t v[4];
};

constexpr Philox philox(uint64_t key, uint64_t counter_hi, uint64_t counter_lo) {
  uint32_t k0 = static_cast<uint32_t>(key);
  uint32_t k1 = static_cast<uint32_t>(key >> 32);
  uint32_t c0 = static_cast<uint32_t>(counter_lo);
  uint32_t c1 = static_cast<uint32_t>(counter_lo >> 32);
  uint32_t c2 = static_cast<uint32_t>(counter_hi);
  uint32_t c3 = static_cast<uint32_t>(counter_hi >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// A 64-bit mix of two words (SplitMix64's finaliser): makes keys from seeds, steps and names.
constexpr uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = a + 0x9E3779B97F4A7C15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// The key of an op or a layer, from its path (FNV-1a).
constexpr uint64_t key_of(std::string_view path) {
  uint64_t h = 0xCBF29CE484222325u;
  for (char c : path) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return h;
}

/// 24 random bits as a float in [0, 1).
constexpr float unit_float(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// Draw number `index` of a stream, uniform in [0, bound), without bias worth naming (64-bit
/// multiply).
constexpr uint64_t uniform_below(uint64_t key, uint64_t index, uint64_t bound) {
  const Philox p = philox(key, 0, index);
  const uint64_t bits = (uint64_t{p.v[0]} << 32) | p.v[1];
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * bound) >> 64);
}

}  // namespace hone

// Transposition by 8x8 tiles, and the Philox generator for as many counters as a vector has lanes.
#include "kernels/movement/simd.h"

#include <algorithm>

#include "base/rng.h"
#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/movement/simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kTile = 8;

// Interleaves pairs of elements, pairs of pairs, then halves: three steps transpose 8x8.
HWY_INLINE void transpose_tile(const uint32_t* from, int64_t from_stride, uint32_t* to,
                               int64_t to_stride) {
  const hn::FixedTag<uint32_t, kTile> d;
  const hn::Repartition<uint64_t, decltype(d)> d64;
  using V = hn::Vec<decltype(d)>;
  V in[kTile], pair[kTile], quad[kTile];
#pragma GCC unroll 8
  for (int i = 0; i < kTile; ++i) in[i] = hn::LoadU(d, from + i * from_stride);
#pragma GCC unroll 4
  for (int i = 0; i < kTile; i += 2) {
    pair[i] = hn::InterleaveLower(d, in[i], in[i + 1]);
    pair[i + 1] = hn::InterleaveUpper(d, in[i], in[i + 1]);
  }
  const auto lower = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveLower(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
  };
  const auto upper = [&](V a, V b) HWY_ATTR {
    return hn::BitCast(d, hn::InterleaveUpper(d64, hn::BitCast(d64, a), hn::BitCast(d64, b)));
  };
  // quad[i] holds columns i % 4 and i % 4 + 4 of four rows: the first four, or the last.
#pragma GCC unroll 2
  for (int i = 0; i < kTile; i += 4) {
    quad[i] = lower(pair[i], pair[i + 2]);
    quad[i + 1] = upper(pair[i], pair[i + 2]);
    quad[i + 2] = lower(pair[i + 1], pair[i + 3]);
    quad[i + 3] = upper(pair[i + 1], pair[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    hn::StoreU(hn::ConcatLowerLower(d, quad[i + 4], quad[i]), d, to + i * to_stride);
    hn::StoreU(hn::ConcatUpperUpper(d, quad[i + 4], quad[i]), d, to + (i + 4) * to_stride);
  }
}

void transpose(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride,
               int64_t rows, int64_t cols) {
  constexpr int64_t kBlock = 64;  // columns at a time, so that what is read again is still in L1
  const int64_t whole = rows / kTile * kTile;
  for (int64_t block = 0; block < cols; block += kBlock) {
    const int64_t end = std::min(cols, block + kBlock);
    const int64_t whole_end = block + (end - block) / kTile * kTile;
    for (int64_t r = 0; r < whole; r += kTile) {
      for (int64_t c = block; c < whole_end; c += kTile)
        transpose_tile(from + c * from_stride + r, from_stride, to + r * to_stride + c, to_stride);
      for (int64_t i = r; i < r + kTile; ++i)
        for (int64_t c = whole_end; c < end; ++c) to[i * to_stride + c] = from[c * from_stride + i];
    }
    for (int64_t r = whole; r < rows; ++r)
      for (int64_t c = block; c < end; ++c) to[r * to_stride + c] = from[c * from_stride + r];
  }
}

using D32 = hn::ScalableTag<uint32_t>;
using V32 = hn::Vec<D32>;
constexpr int64_t kCounters = static_cast<int64_t>(hn::MaxLanes(D32()));

// The high and low words of a * b, lane by lane.
HWY_INLINE void multiply(V32 a, V32 b, V32& high, V32& low) {
  const D32 d;
  const hn::Repartition<uint64_t, D32> d64;
  const auto even = hn::MulEven(a, b);
  const auto odd =
      hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, a))), b);  // b is uniform
  high = hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even));
}

void uniform(const UniformDraws& draws, int64_t begin, int64_t end, float* out) {
  const D32 d;
  const hn::RebindToFloat<D32> df;
  const hn::RebindToSigned<D32> di;
  const int64_t groups = draws.row_groups();
  int64_t row = begin / groups, group = begin % groups;
  for (int64_t g = begin; g < end; g += kCounters) {
    const int64_t count = std::min(kCounters, end - g);
    HWY_ALIGN uint32_t word[4][kCounters] = {};
    int64_t at[kCounters], length[kCounters];
    for (int64_t i = 0; i < count; ++i) {
      word[0][i] = static_cast<uint32_t>(group);
      word[1][i] = static_cast<uint32_t>(group >> 32);
      word[2][i] = static_cast<uint32_t>(row);
      word[3][i] = static_cast<uint32_t>(row >> 32);
      at[i] = row * draws.row_elements + group * 4;
      length[i] = std::min<int64_t>(4, draws.row_elements - group * 4);
      if (++group == groups) {
        group = 0;
        ++row;
      }
    }
    V32 c0 = hn::Load(d, word[0]), c1 = hn::Load(d, word[1]);
    V32 c2 = hn::Load(d, word[2]), c3 = hn::Load(d, word[3]);
    uint32_t k0 = static_cast<uint32_t>(draws.key);
    uint32_t k1 = static_cast<uint32_t>(draws.key >> 32);
    for (int round = 0; round < 10; ++round) {
      V32 high0, low0, high1, low1;
      multiply(c0, hn::Set(d, 0xD2511F53u), high0, low0);
      multiply(c2, hn::Set(d, 0xCD9E8D57u), high1, low1);
      c0 = hn::Xor(hn::Xor(high1, c1), hn::Set(d, k0));
      c2 = hn::Xor(hn::Xor(high0, c3), hn::Set(d, k1));
      c1 = low1;
      c3 = low0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    HWY_ALIGN float unit[4][kCounters];
    const auto store = [&](V32 bits, float* to) HWY_ATTR {
      const auto whole = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<8>(bits)));
      hn::Store(hn::Mul(whole, hn::Set(df, 0x1p-24f)), df, to);
    };
    store(c0, unit[0]);
    store(c1, unit[1]);
    store(c2, unit[2]);
    store(c3, unit[3]);
    for (int64_t i = 0; i < count; ++i)
      for (int64_t e = 0; e < length[i]; ++e) out[at[i] + e] = unit[e][i];
  }
}

void interleave(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t rows, int64_t cols) {
  const hn::ScalableTag<uint8_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto column = [&](int64_t c, int64_t r)
                          HWY_ATTR { return hn::LoadU(d, from + c * from_stride + r); };
  int64_t r = 0;
  for (; r + lanes <= rows; r += lanes) {
    uint8_t* at = to + r * cols;
    if (cols == 2) hn::StoreInterleaved2(column(0, r), column(1, r), d, at);
    else if (cols == 3) hn::StoreInterleaved3(column(0, r), column(1, r), column(2, r), d, at);
    else hn::StoreInterleaved4(column(0, r), column(1, r), column(2, r), column(3, r), d, at);
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) to[r * cols + c] = from[c * from_stride + r];
}

const MovementFns fns = {transpose, interleave, uniform};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

const MovementFns& movement_fns(Isa isa) { return HONE_FOR_ISA(isa, fns); }

}  // namespace hone::kernels
#endif

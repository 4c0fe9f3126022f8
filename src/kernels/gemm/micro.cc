// The microkernel and the packing, once for each ISA level (see kernels/simd.h).
#include "kernels/gemm/micro.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <hwy/cache_control.h>

#include "base/shards.h"
#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm/micro.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr int kLanes = HWY_MAX_BYTES / sizeof(float);
constexpr int kVectors = 2;
// The tile fills the register file: 14 x 2 accumulators of 32 registers with AVX-512, 6 x 2 of 16
// without; the rest hold one step of b and one broadcast element of a.
constexpr int kRows = HWY_MAX_BYTES == 64 ? 14 : 6;

#include "kernels/finish_simd.h"

// A row of a tile as vectors, of which the last may be partial.
struct Row {
  D d;
  bool full;
  hn::Mask<D> mask;

  explicit Row(int64_t tail)
      : full(tail == kLanes), mask(hn::FirstN(d, static_cast<size_t>(tail))) {}
  V load(const float* at, bool last) const {
    return last && !full ? hn::MaskedLoad(mask, d, at) : hn::LoadU(d, at);
  }
  void store(V value, float* at, bool last) const {
    if (last && !full) hn::BlendedStore(value, mask, d, at);
    else hn::StoreU(value, d, at);
  }
};

// Steps of b that are asked for early: a processor follows neither their stride nor, where another
// core has written them, as far ahead as they take. Tiles of one vector have no load to spare.
constexpr int64_t kStepsAhead = 32;
constexpr int kLineVectors = 64 / HWY_MAX_BYTES;  // in a line of the cache

template <int rows, int vectors>
using Accumulators = V[rows][vectors];

// One step of the chains; element(r) is that of a's row r.
template <int rows, int vectors, class Element>
HWY_INLINE void step(const Element& element, const float* b, int64_t ahead,
                     Accumulators<rows, vectors>& acc) {
  const D d;
  if constexpr (vectors > 1) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v += kLineVectors) hwy::Prefetch(b + ahead + v * kLanes);
  }
  V bv[vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) bv[v] = hn::LoadU(d, b + v * kLanes);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    const V av = hn::Set(d, element(r));
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) acc[r][v] = hn::MulAdd(av, bv[v], acc[r][v]);
  }
}

// Goes on with the chains over `depth` steps.
template <int rows, int vectors>
HWY_INLINE void chains(const Tile& t, int64_t depth, const float* a, const float* b,
                       Accumulators<rows, vectors>& acc) {
  const int64_t a_row = t.a_row, a_step = t.a_step, b_step = t.b_step;
  const int64_t ahead = kStepsAhead * b_step;
  // An offset for each of the rows would not fit into the registers: a pointer for each few.
  constexpr int kGroup = rows > 8 ? 5 : 8, kGroups = (rows + kGroup - 1) / kGroup;
  const float* group[kGroups];
#pragma GCC unroll 4
  for (int g = 0; g < kGroups; ++g) {
    group[g] = a + g * kGroup * a_row;
    asm("" : "+r"(group[g]));  // hides that they depend on each other
  }
  for (int64_t k = depth; k > 0; --k) {
    step<rows, vectors>([&](int r) HWY_ATTR { return group[r / kGroup][r % kGroup * a_row]; }, b,
                        ahead, acc);
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) group[g] += a_step;
    b += b_step;
  }
}

// Calls f(accumulator, where it belongs in c, whether it is the last of its row) for all.
template <int rows, int vectors, class F>
HWY_INLINE void for_each(const Tile& t, Accumulators<rows, vectors>& acc, const F& f) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v)
      f(acc[r][v], t.c + r * t.c_row + v * kLanes, v + 1 == vectors);
}

template <int rows, int vectors>
HWY_INLINE void finish(const Tile& t, const Row& row, Accumulators<rows, vectors>& acc) {
  if (t.finish != nullptr)
    finish_tile(
        acc, *t.finish,
        [&](const float* bias, int v)
            HWY_ATTR { return row.load(bias + v * kLanes, v + 1 == vectors); },
        [](const float*, int, int) HWY_ATTR { return hn::Zero(D()); });
  for_each<rows, vectors>(t, acc,
                          [&](V sum, float* c, bool last) HWY_ATTR { row.store(sum, c, last); });
}

template <int rows, int vectors>
void micro(const Tile& t) {
  const D d;
  const Row row(t.cols - (vectors - 1) * kLanes);
  Accumulators<rows, vectors> acc;
  for_each<rows, vectors>(t, acc, [&](V& sum, float*, bool) HWY_ATTR { sum = hn::Zero(d); });
  if (t.chain == Chain::resume)
    for_each<rows, vectors>(
        t, acc, [&](V& sum, const float* c, bool last) HWY_ATTR { sum = row.load(c, last); });
  chains<rows, vectors>(t, t.depth, t.a, t.b, acc);
  finish<rows, vectors>(t, row, acc);
}

// What tree_fold does with the top of its stack in registers, which lambdas would make it leave:
// they are not inlined there, being for another ISA. What waits below it lies in L1.
template <int rows, int vectors>
void micro_shards(const Tile& t, std::span<const int64_t> ends) {
  const D d;
  const Row row(t.cols - (vectors - 1) * kLanes);
  Accumulators<rows, vectors> acc, waiting[kMaxTreeDepth];
  int top = 0;
  const auto add = [&](const Accumulators<rows, vectors>& earlier) HWY_ATTR {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) acc[r][v] = hn::Add(earlier[r][v], acc[r][v]);
  };
  int64_t begin = 0;
  for (size_t shard = 0; shard < ends.size(); ++shard) {
    if (shard > 0) {
      for (int merges = tree_merges(shard); merges > 0; --merges) add(waiting[--top]);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) waiting[top][r][v] = acc[r][v];
      ++top;
    }
    for_each<rows, vectors>(t, acc, [&](V& sum, float*, bool) HWY_ATTR { sum = hn::Zero(d); });
    chains<rows, vectors>(t, ends[shard] - begin, t.a + begin * t.a_step, t.b + begin * t.b_step,
                          acc);
    begin = ends[shard];
  }
  while (top > 0) add(waiting[--top]);
  finish<rows, vectors>(t, row, acc);
}

using MicroFn = decltype(&micro<1, 1>);
using ShardsFn = decltype(&micro_shards<1, 1>);

template <int vectors, int... r>
constexpr std::array<MicroFn, kRows> micros(std::integer_sequence<int, r...>) {
  return {&micro<r + 1, vectors>...};
}
template <int vectors, int... r>
constexpr std::array<ShardsFn, kRows> sharded(std::integer_sequence<int, r...>) {
  return {&micro_shards<r + 1, vectors>...};
}
constexpr auto kAllRows = std::make_integer_sequence<int, kRows>{};
constexpr std::array<MicroFn, kRows> kMicros[kVectors] = {micros<1>(kAllRows), micros<2>(kAllRows)};
constexpr std::array<ShardsFn, kRows> kSharded[kVectors] = {sharded<1>(kAllRows),
                                                            sharded<2>(kAllRows)};

void tile(int64_t rows, const Tile& t) { kMicros[(t.cols - 1) / kLanes][rows - 1](t); }

void shards(int64_t rows, const Tile& t, std::span<const int64_t> ends) {
  kSharded[(t.cols - 1) / kLanes][rows - 1](t, ends);
}

constexpr int kRowPanels = 4;

template <int panels>
void row_micro(int64_t panel_floats, const Tile& t) {
  const D d;
  constexpr int vectors = panels * kVectors;
  V acc[1][vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v)
    acc[0][v] = t.chain == Chain::resume ? hn::LoadU(d, t.c + v * kLanes) : hn::Zero(d);
  const float* a = t.a;
  const float* b = t.b;
  for (int64_t k = t.depth; k > 0; --k) {
    const V each = hn::Set(d, *a);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const float* from = b + v / kVectors * panel_floats + v % kVectors * kLanes;
      acc[0][v] = hn::MulAdd(each, hn::LoadU(d, from), acc[0][v]);
    }
    a += t.a_step;
    b += kVectors * kLanes;
  }
  if (t.finish != nullptr)
    finish_tile(
        acc, *t.finish,
        [&](const float* bias, int v) HWY_ATTR { return hn::LoadU(d, bias + v * kLanes); },
        [&](const float*, int, int) HWY_ATTR { return hn::Zero(d); });
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) hn::StoreU(acc[0][v], d, t.c + v * kLanes);
}

void row(int64_t panels, int64_t panel_floats, const Tile& t) {
  static constexpr decltype(&row_micro<1>) kFns[kRowPanels] = {&row_micro<1>, &row_micro<2>,
                                                               &row_micro<3>, &row_micro<4>};
  kFns[panels - 1](panel_floats, t);
}

// Lanes are adjacent in the source: copies steps, in whole vectors, then in one that zeros fill up
// or, where nothing follows, in fours of which the last overlaps the one before it.
void pack_steps(Panel p) {
  const D d;
  const hn::FixedTag<float, 4> four;
  const int64_t whole = p.width / kLanes * kLanes;
  const auto rest = hn::FirstN(d, static_cast<size_t>(p.width - whole));
  for (int64_t k = 0; k < p.depth; ++k) {
    const float* from = p.source + k * p.step;
    float* to = p.packed + k * p.pitch;
    for (int64_t i = 0; i < whole; i += kLanes) hn::StoreU(hn::LoadU(d, from + i), d, to + i);
    if (p.width < p.pitch) {
      hn::StoreU(hn::MaskedLoad(rest, d, from + whole), d, to + whole);
      continue;
    }
    if (p.width < 4) {
      for (int64_t i = 0; i < p.width; ++i) to[i] = from[i];
      continue;
    }
    for (int64_t i = whole; i < p.width; i += 4) {
      const int64_t at = std::min(i, p.width - 4);
      hn::StoreU(hn::LoadU(four, from + at), four, to + at);
    }
  }
}

// Steps are adjacent in the source: transposes squares of 4 x 4, for all lanes of some steps before
// the next steps, so that what is written stays in L1 until it is whole. The last group of four
// lanes overlaps the one before it; fewer than four lanes or steps go one by one. (A copy, as the
// vector stores might alias a reference.)
void pack_lanes(const Panel& panel) {
  const Panel p = panel;
  const hn::FixedTag<float, 4> d;
  const hn::RebindToUnsigned<hn::Repartition<double, decltype(d)>> pairs;
  constexpr int64_t kSteps = 64;
  const int64_t whole = p.width < 4 ? 0 : p.depth / 4 * 4;
  for (int64_t begin = 0; begin < whole; begin += kSteps) {
    const int64_t end = std::min(whole, begin + kSteps);
    for (int64_t i = 0; i < p.width; i += 4) {
      const int64_t lane = std::min(i, p.width - 4);
      const float* s = p.source + lane * p.lane;
      for (int64_t k = begin; k < end; k += 4) {
        const auto r0 = hn::LoadU(d, s + k);
        const auto r1 = hn::LoadU(d, s + p.lane + k);
        const auto r2 = hn::LoadU(d, s + 2 * p.lane + k);
        const auto r3 = hn::LoadU(d, s + 3 * p.lane + k);
        const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
        const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
        const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
        const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
        float* out = p.packed + k * p.pitch + lane;
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + p.pitch);
        hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d,
                   out + 2 * p.pitch);
        hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d,
                   out + 3 * p.pitch);
      }
    }
  }
  for (int64_t k = whole; k < p.depth; ++k)
    for (int64_t l = 0; l < p.width; ++l) p.packed[k * p.pitch + l] = p.source[l * p.lane + k];
}

void pack(const Panel& p) {
  if (p.lane == 1) return pack_steps(p);
  if (p.width < p.pitch) std::fill(p.packed, p.packed + p.depth * p.pitch, 0.0f);
  pack_lanes(p);
}

/// Makes floats of bytes.
class Converter {
 public:
  explicit Converter(const BytePanel& p)
      : zero_(hn::Set(D(), p.zero)), scale_(hn::Set(D(), p.scale)) {}

  /// A vector of them.
  HWY_INLINE void operator()(const uint8_t* from, float* to) const {
    const D d;
    const hn::Rebind<int32_t, D> integers;
    const hn::Rebind<uint8_t, D> bytes;
    const V value = hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(bytes, from)));
    hn::StoreU(hn::Mul(hn::Sub(value, zero_), scale_), d, to);
  }

 private:
  V zero_, scale_;
};

// Panels of so many whole vectors.
template <int vectors>
void pack_whole(BytePanel p) {
  const Converter convert(p);
  for (int64_t k = p.depth; k > 0; --k, p.source += p.step, p.packed += p.pitch)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) convert(p.source + v * kLanes, p.packed + v * kLanes);
}

// Fewer bytes than a vector are read with what follows them, in the source and in the panel, as
// long as there is enough of that.
void pack_narrow(BytePanel p) {
  const Converter convert(p);
  const uint8_t* source_end = p.source + (p.depth - 1) * p.step + p.width;
  const float* packed_end = p.packed + p.depth * p.pitch;
  for (int64_t k = p.depth; k > 0; --k, p.source += p.step, p.packed += p.pitch) {
    if (source_end - p.source >= kLanes && packed_end - p.packed >= kLanes)
      convert(p.source, p.packed);
    else
      for (int64_t i = 0; i < p.width; ++i)
        p.packed[i] = (static_cast<float>(p.source[i]) - p.zero) * p.scale;
    std::fill(p.packed + p.width, p.packed + p.pitch, 0.0f);
  }
}

// A step's last bytes are read together with those before them.
void pack_wide(BytePanel p) {
  const Converter convert(p);
  const int64_t last = p.width - kLanes;
  for (int64_t k = p.depth; k > 0; --k, p.source += p.step, p.packed += p.pitch) {
    if (p.width < p.pitch) hn::StoreU(hn::Zero(D()), D(), p.packed + p.pitch - kLanes);
#pragma GCC unroll 4
    for (int64_t i = 0; i < last; i += kLanes) convert(p.source + i, p.packed + i);
    convert(p.source + last, p.packed + last);
  }
}

void pack_bytes(const BytePanel& p) {
  if (p.depth == 0) return;
  const bool is_whole = p.width == p.pitch;
  if (p.width < kLanes) pack_narrow(p);
  else if (is_whole && p.width == kLanes) pack_whole<1>(p);
  else if (is_whole && p.width == kVectors * kLanes) pack_whole<kVectors>(p);
  else pack_wide(p);
}

}  // namespace

constexpr GemmFns kFns = {kLanes, kRows, kVectors* kLanes, &tile,      &shards, kRowPanels,
                          &row,   &pack, &pack_bytes,      &pack_lanes};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
const GemmFns& gemm_fns(Isa isa) { return HONE_FOR_ISA(isa, kFns); }
}  // namespace hone::kernels
#endif

// Reductions in vectors. The 16 lanes of the definition are either 16 accumulators for each column,
// where vectors run across columns, or the lanes of one or two vectors, where they run along the
// reduced elements. Absent elements enter as the identity of the operation, which changes no bit.
#include "kernels/reduce/simd.h"

#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce/simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int64_t kLanes = 16;
constexpr int64_t kVectors = kLanes / kWidth;

struct Sum {
  static HWY_INLINE V identity() { return hn::Set(D(), -0.0f); }
  static HWY_INLINE V term(V x, V) { return x; }
  template <class U>
  static HWY_INLINE U combine(U a, U b) {
    return hn::Add(a, b);
  }
};

struct Square : Sum {
  static HWY_INLINE V term(V x, V center) {
    const V d = hn::Sub(x, center);
    return hn::Mul(d, d);
  }
};

struct Max {
  static HWY_INLINE V identity() { return hn::Neg(hn::Inf(D())); }
  static HWY_INLINE V term(V x, V) { return x; }
  // Equal operands differ at most in a zero's sign: the conjunction is +0 if either is.
  template <class U>
  static HWY_INLINE U combine(U a, U b) {
    const U larger = hn::IfThenElse(hn::Gt(a, b), a, b);  // b if either is NaN
    return hn::IfThenElse(hn::IsNaN(a), a, hn::IfThenElse(hn::Eq(a, b), hn::And(a, b), larger));
  }
};

// Cuts elements [begin, end) into runs of one stride: run(offset, count, stride, lane of the
// first).
template <class Run>
HWY_INLINE void for_each_run(const Strided& reduced, int64_t begin, int64_t end, const Run& run) {
  const int64_t stride = reduced.strides.back();
  if (reduced.dims.size() == 1) return run(begin * stride, end - begin, stride, 0);
  const int64_t extent = reduced.dims.back();
  for (int64_t r = begin; r < end;) {
    const int64_t count = std::min(extent - r % extent, end - r);
    run(reduced.offset(r), count, stride, (r - begin) % kLanes);
    r += count;
  }
}

// One vector of columns: adds `count` rows to the lanes, whose rows are kColumns apart.
template <class Op, bool kFull>
HWY_INLINE void add_rows(const float* x, int64_t stride, int64_t count, int64_t lane, int64_t cols,
                         V center, float* HWY_RESTRICT lanes) {
  const D d;
  const auto mask = hn::FirstN(d, static_cast<size_t>(cols));
  const auto term = [&](int64_t row) HWY_ATTR {
    const float* from = x + row * stride;
    return Op::term(kFull ? hn::LoadU(d, from) : hn::MaskedLoad(mask, d, from), center);
  };
  const auto add_row = [&](int64_t row) HWY_ATTR {
    float* sum = lanes + (lane + row) % kLanes * kColumns;
    hn::Store(Op::combine(hn::Load(d, sum), term(row)), d, sum);
  };
  int64_t row = 0;
  for (; row < count && (lane + row) % kLanes != 0; ++row) add_row(row);
  const int64_t whole = (count - row) / kLanes * kLanes;
  constexpr int64_t kHalf = 8;  // accumulators at a time: they and the terms fit 16 registers
  for (int64_t first = 0; first < kLanes && whole > 0; first += kHalf) {
    float* sum = lanes + first * kColumns;
    V acc[kHalf];
#pragma GCC unroll 8
    for (int64_t l = 0; l < kHalf; ++l) acc[l] = hn::Load(d, sum + l * kColumns);
    for (int64_t r = row + first; r < row + whole; r += kLanes) {
#pragma GCC unroll 8
      for (int64_t l = 0; l < kHalf; ++l) acc[l] = Op::combine(acc[l], term(r + l));
    }
#pragma GCC unroll 8
    for (int64_t l = 0; l < kHalf; ++l) hn::Store(acc[l], d, sum + l * kColumns);
  }
  for (row += whole; row < count; ++row) add_row(row);
}

template <class Op>
void columns(const Strided& reduced, const float* x, int64_t begin, int64_t end, int64_t cols,
             const float* center, float* out) {
  constexpr int64_t kTileRows = 128;  // with kColumns, a tile of 16 KiB: both halves read it
  const D d;
  HWY_ALIGN float lanes[kLanes * kColumns];
  for (int64_t i = 0; i < kLanes * kColumns; i += kWidth) hn::Store(Op::identity(), d, lanes + i);

  for_each_run(reduced, begin, end,
               [&](int64_t offset, int64_t count, int64_t stride, int64_t lane) HWY_ATTR {
                 for (int64_t row = 0; row < count; row += kTileRows) {
                   const int64_t rows = std::min(kTileRows, count - row);
                   const float* tile = x + offset + row * stride;
                   for (int64_t c = 0; c < cols; c += kWidth) {
                     const V middle = hn::LoadU(d, center + c);
                     if (c + kWidth <= cols)
                       add_rows<Op, true>(tile + c, stride, rows, lane, kWidth, middle, lanes + c);
                     else
                       add_rows<Op, false>(tile + c, stride, rows, lane, cols - c, middle,
                                           lanes + c);
                   }
                 }
               });

  for (int64_t c = 0; c < cols; c += kWidth) {
    V acc[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) acc[l] = hn::Load(d, lanes + l * kColumns + c);
    for (int64_t half = kLanes / 2; half > 0; half /= 2)
      for (int64_t l = 0; l < half; ++l) acc[l] = Op::combine(acc[l], acc[l + half]);
    hn::BlendedStore(acc[0], hn::FirstN(d, static_cast<size_t>(cols - c)), d, out + c);
  }
}

// Adds a run, whose first element belongs to lane `lane`, to the lanes in `acc`.
template <class Op>
HWY_INLINE void add_run(const float* x, int64_t count, int64_t stride, int64_t lane, V center,
                        V* acc) {
  const D d;
  HWY_ALIGN float gathered[kLanes] = {};
  for (int64_t i = -lane; i < count; i += kLanes) {
    const int64_t first = std::max<int64_t>(0, -i), last = std::min(kLanes, count - i);
    const float* from = x + i;
    if (stride == 1 && first == 0 && last == kLanes) {
      for (int64_t v = 0; v < kVectors; ++v)
        acc[v] = Op::combine(acc[v], Op::term(hn::LoadU(d, from + v * kWidth), center));
      continue;
    }
    if (stride != 1) {
      for (int64_t l = first; l < last; ++l) gathered[l] = x[(i + l) * stride];
      from = gathered;
    }
    for (int64_t v = 0; v < kVectors; ++v) {
      const V place = hn::Iota(d, static_cast<float>(v * kWidth));
      const auto mask = hn::And(hn::Ge(place, hn::Set(d, static_cast<float>(first))),
                                hn::Lt(place, hn::Set(d, static_cast<float>(last))));
      const V term = Op::term(hn::MaskedLoad(mask, d, from + v * kWidth), center);
      acc[v] = Op::combine(acc[v], hn::IfThenElse(mask, term, Op::identity()));
    }
  }
}

// Combines the lanes by halves. (Vec is V; what is not a template must compile at every width.)
template <class Op, class Vec>
HWY_INLINE float fold(const Vec* acc) {
  const hn::FixedTag<float, 8> d8;
  const hn::FixedTag<float, 4> d4;
  const auto by8 = [&](auto first) HWY_ATTR {
    if constexpr (kVectors == 1)
      return Op::combine(hn::LowerHalf(d8, first), hn::UpperHalf(d8, first));
    else return Op::combine(first, acc[1]);
  }(acc[0]);
  const auto by4 = Op::combine(hn::LowerHalf(d4, by8), hn::UpperHalf(d4, by8));
  const auto by2 = Op::combine(by4, hn::Shuffle1032(by4));
  return hn::GetLane(Op::combine(by2, hn::Shuffle2301(by2)));
}

template <class Op>
void row(const Strided& reduced, const float* x, int64_t begin, int64_t end, int64_t,
         const float* center, float* out) {
  V acc[kVectors];
  for (V& a : acc) a = Op::identity();
  const V middle = hn::Set(D(), center[0]);
  for_each_run(reduced, begin, end,
               [&](int64_t offset, int64_t count, int64_t stride, int64_t lane)
                   HWY_ATTR { add_run<Op>(x + offset, count, stride, lane, middle, acc); });
  out[0] = fold<Op>(acc);
}

template <class Op>
void rows(const float* x, int64_t pitch, int64_t count, int64_t n, float* out) {
  const D d;
  const int64_t whole = n / kLanes * kLanes;
  hn::Mask<D> rest[kVectors];
  for (int64_t v = 0; v < kVectors; ++v)
    rest[v] = hn::FirstN(d, static_cast<size_t>(std::max<int64_t>(0, n - whole - v * kWidth)));
  for (int64_t r = 0; r < count; ++r, x += pitch) {
    V acc[kVectors];
    for (V& a : acc) a = Op::identity();
    for (int64_t i = 0; i < whole; i += kLanes)
      for (int64_t v = 0; v < kVectors; ++v)
        acc[v] = Op::combine(acc[v], hn::LoadU(d, x + i + v * kWidth));
    if (whole < n)
      for (int64_t v = 0; v < kVectors; ++v) {
        const V last = hn::MaskedLoad(rest[v], d, x + whole + v * kWidth);
        acc[v] = Op::combine(acc[v], hn::IfThenElse(rest[v], last, Op::identity()));
      }
    out[r] = fold<Op>(acc);
  }
}

int64_t argmax(const float* x, int64_t n) {
  const D d;
  V acc[kVectors];
  for (V& a : acc) a = Max::identity();
  add_run<Max>(x, n, 1, 0, acc[0], acc);
  const V best = hn::Set(d, fold<Max>(acc));
  for (int64_t i = 0; i < n; i += kWidth) {
    const auto mask = hn::FirstN(d, static_cast<size_t>(n - i));
    const V v = hn::MaskedLoad(mask, d, x + i);
    const auto hit = hn::And(mask, hn::Or(hn::Eq(v, best), hn::IsNaN(v)));
    if (!hn::AllFalse(d, hit)) return i + hn::FindFirstTrue(d, hit);
  }
  return 0;
}

void tree_sum(const Reduction& reduction, const float* parts, int64_t cols, float* out) {
  HWY_ALIGN float slots[kMaxTreeDepth][kColumns];
  const int64_t pitch = reduction.results();
  tree_fold(
      reduction.segments(),
      [&](int64_t s, int slot) { std::copy_n(parts + s * pitch, cols, slots[slot]); },
      [&](int into, int from) HWY_ATTR {
        for (int64_t c = 0; c < cols; ++c) slots[into][c] += slots[from][c];
      });
  std::copy_n(slots[0], cols, out);
}

void tree_moments(const Reduction& reduction, const float* means, const float* m2s, int64_t cols,
                  float* mean, float* m2) {
  const D d;
  HWY_ALIGN float count[kMaxTreeDepth], mean_of[kMaxTreeDepth][kColumns] = {},
                                        m2_of[kMaxTreeDepth][kColumns] = {};
  const int64_t pitch = reduction.results();
  tree_fold(
      reduction.segments(),
      [&](int64_t s, int slot) {
        count[slot] = static_cast<float>(reduction.end(s) - reduction.begin(s));
        std::copy_n(means + s * pitch, cols, mean_of[slot]);
        std::copy_n(m2s + s * pitch, cols, m2_of[slot]);
      },
      [&](int a, int b) HWY_ATTR {
        const float n = count[a] + count[b];
        const float share = count[b] / n;
        const V f = hn::Set(d, share), weight = hn::Set(d, count[a] * share);
        count[a] = n;
        for (int64_t c = 0; c < cols; c += kWidth) {
          const V mean_a = hn::Load(d, mean_of[a] + c);
          const V delta = hn::Sub(hn::Load(d, mean_of[b] + c), mean_a);
          const V sum = hn::Add(hn::Load(d, m2_of[a] + c), hn::Load(d, m2_of[b] + c));
          hn::Store(hn::MulAdd(delta, f, mean_a), d, mean_of[a] + c);
          hn::Store(hn::MulAdd(hn::Mul(delta, delta), weight, sum), d, m2_of[a] + c);
        }
      });
  std::copy_n(mean_of[0], cols, mean);
  std::copy_n(m2_of[0], cols, m2);
}

const ReduceFns fns = {{columns<Sum>, columns<Max>, columns<Square>},
                       {row<Sum>, row<Max>, row<Square>},
                       {rows<Sum>, rows<Max>},
                       tree_sum,
                       tree_moments,
                       argmax};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

const ReduceFns& reduce_fns(Isa isa) { return HONE_FOR_ISA(isa, fns); }

}  // namespace hone::kernels
#endif

// The transforms, once for each ISA level (see kernels/simd.h). A vector is so many channels.
#include "kernels/winograd/micro.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/reference.h"
#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/winograd/micro.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using Vector = hn::Vec<D>;

constexpr int kLanes = HWY_MAX_BYTES / sizeof(float);

HWY_INLINE Vector fma(Vector a, Vector b, Vector c) { return hn::MulAdd(a, b, c); }
template <class V>
HWY_INLINE V splat(double x) {
  return hn::Set(D(), static_cast<float>(x));
}

#include "kernels/finish_simd.h"
#include "kernels/winograd/transform.h"

template <class T>
constexpr int64_t kLanesOf = HWY_MAX_BYTES / sizeof(T);
template <class T>
using VectorOf = hn::Vec<hn::ScalableTag<T>>;

// Some lanes, and zeros.
HWY_INLINE Vector load_first(int64_t count, const float* from) {
  const D d;
  if (count == kLanes) return hn::LoadU(d, from);
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(count)), d, from);
}
template <class T>
HWY_INLINE void store_first(int64_t count, VectorOf<T> v, T* to) {
  const hn::ScalableTag<T> d;
  if (count == kLanesOf<T>) hn::StoreU(v, d, to);
  else hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(count)), d, to);
}

// Some pixels as values.
HWY_INLINE Vector load_values(int64_t count, const float* from) { return load_first(count, from); }
template <class Byte>
HWY_INLINE VectorOf<int16_t> load_values(int64_t count, const Byte* from) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<Byte, decltype(d)> bytes;
  if (count == kLanesOf<int16_t>) return hn::PromoteTo(d, hn::LoadU(bytes, from));
  HWY_ALIGN Byte some[kLanesOf<int16_t>] = {};
  std::memcpy(some, from, static_cast<size_t>(count));
  return hn::PromoteTo(d, hn::Load(bytes, some));
}

// Calls f(first channel, how many) for each vector of them, the last one perhaps not whole.
template <int64_t lanes, class F>
HWY_INLINE void each_vector(int64_t channels, F&& f) {
  for (int64_t c = 0; c < channels; c += lanes) f(c, std::min<int64_t>(lanes, channels - c));
}

template <int m>
void filter(const FilterTile& f) {
  constexpr int t = m + 2;
  const D d;
  each_vector<kLanes>(f.filters, [&](int64_t first, int64_t count) HWY_ATTR {
    HWY_ALIGN float by_place[9][kLanes] = {};
    for (int64_t o = 0; o < count; ++o)
      for (int64_t i = 0; i < 9; ++i)
        by_place[f.turned ? 8 - i : i][o] = f.weight[(first + o) * f.weight_step + i];
    transform_2d<WinogradFilter<m>, Vector>(
        [&](int i, int j) HWY_ATTR { return hn::Load(d, by_place[3 * i + j]); },
        [&](int i, const Vector(&made)[t]) HWY_ATTR {
          for (int j = 0; j < t; ++j)
            store_first(count, made[j], f.values + (i * t + j) * f.point_step + first);
        });
  });
}

template <int m, class Pixel>
void input(const InputTile<Pixel>& tile) {
  constexpr int t = m + 2;
  using Value = typename WinogradTypes<Pixel>::Value;
  const hn::ScalableTag<Value> d;
  each_vector<kLanesOf<Value>>(tile.channels, [&](int64_t first, int64_t count) HWY_ATTR {
    using V = VectorOf<Value>;
    const Pixel* from = tile.source + first;
    Value* to = tile.values + first;
    transform_2d<WinogradInput<m>, V>(
        [&](int i, int j) HWY_ATTR {
          return load_values(count, from + i * tile.line_step + j * tile.pixel_step);
        },
        [&](int i, const V(&made)[t]) HWY_ATTR {
#pragma GCC unroll 6
          for (int j = 0; j < t; ++j) hn::StoreU(made[j], d, to + (i * t + j) * tile.point_step);
        });
  });
}

template <int m, class Sum>
void output(const OutputTile<Sum>& tile) {
  constexpr int t = m + 2;
  const hn::ScalableTag<Sum> d;
  each_vector<kLanesOf<Sum>>(tile.channels, [&](int64_t first, int64_t count) HWY_ATTR {
    using V = VectorOf<Sum>;
    const Sum* from = tile.products + first;
    Sum* to = tile.result + first;
    transform_2d<WinogradOutput<m>, V>(
        [&](int i, int j) HWY_ATTR { return hn::LoadU(d, from + (i * t + j) * tile.point_step); },
        [&](int i, const V(&sums)[m]) HWY_ATTR {
          if (i >= tile.lines) return;
          V made[1][m];  // a tile of one row, as finish_tile takes them
#pragma GCC unroll 4
          for (int j = 0; j < m; ++j) made[0][j] = sums[j];
          const int64_t line = i * tile.line_step;
          if constexpr (!std::is_same_v<Sum, float>) {
            for (V& sum : made[0]) sum = hn::ShiftRight<2>(sum);
          } else if (tile.finish != nullptr) {
            finish_tile(
                made, *tile.finish,
                [&](const float* bias, int) HWY_ATTR { return load_first(count, bias + first); },
                [&](const float* other, int, int j) HWY_ATTR {
                  if (j >= tile.pixels) return hn::Zero(d);
                  return load_first(count, other + line + j * tile.pixel_step + first);
                });
          }
#pragma GCC unroll 4
          for (int j = 0; j < m; ++j) {
            if (j == tile.pixels) break;
            store_first(count, made[0][j], to + line + j * tile.pixel_step);
          }
        });
  });
}

}  // namespace

template <int m, class Pixel>
constexpr WinogradFns<Pixel> kFns = {kLanesOf<typename WinogradTypes<Pixel>::Value>,
                                     &input<m, Pixel>,
                                     &output<m, typename WinogradTypes<Pixel>::Sum>};
constexpr WinogradFns<float> kFnsOfTile[] = {kFns<2, float>, kFns<4, float>};
constexpr WinogradFns<uint8_t> kFnsOfU8 = kFns<2, uint8_t>;
constexpr WinogradFns<int8_t> kFnsOfI8 = kFns<2, int8_t>;
constexpr FilterFn kFilterOfTile[] = {&filter<2>, &filter<4>};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
template <>
const WinogradFns<float>& winograd_fns(Isa isa, int64_t tile) {
  return HONE_FOR_ISA(isa, kFnsOfTile)[tile == 2 ? 0 : 1];
}
template <>
const WinogradFns<uint8_t>& winograd_fns(Isa isa, int64_t) {
  return HONE_FOR_ISA(isa, kFnsOfU8);
}
template <>
const WinogradFns<int8_t>& winograd_fns(Isa isa, int64_t) {
  return HONE_FOR_ISA(isa, kFnsOfI8);
}
FilterFn winograd_filter_fn(Isa isa, int64_t tile) {
  return HONE_FOR_ISA(isa, kFilterOfTile)[tile == 2 ? 0 : 1];
}
}  // namespace hone::kernels
#endif

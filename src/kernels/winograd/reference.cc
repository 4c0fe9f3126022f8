// Scalar references of Winograd's minimal filtering (docs/numerics.md).
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/dtype.h"
#include "kernels/bytes.h"
#include "kernels/families.h"
#include "kernels/image_strides.h"

namespace hone::kernels {
namespace {

HONE_INLINE float fma(float a, float b, float c) { return std::fma(a, b, c); }
HONE_INLINE double fma(double a, double b, double c) { return std::fma(a, b, c); }
HONE_INLINE uint32_t fma(uint32_t a, uint32_t b, uint32_t c) { return a * b + c; }
template <class V>
HONE_INLINE V splat(double x) {
  return static_cast<V>(x);
}

#include "kernels/winograd/transform.h"

// What an output is of the transform's: integers are four times as much.
HONE_INLINE float output_of(float y) { return y; }
HONE_INLINE double output_of(double y) { return y; }
HONE_INLINE int32_t output_of(uint32_t y) { return static_cast<int32_t>(y) >> 2; }

// W and U are what filters hold, and what they are at the points; V is computed in.
template <class Along, class V, class W, class U>
HONE_INLINE void filters(const RefCall& call) {
  constexpr int t = Along::to;
  const int64_t outputs = call.operands[0].shape()[0], inputs = call.operands[0].shape()[1];
  const bool gradient = call.attrs().flag("gradient");
  const W* w = call.in<W>(0);
  U* u = call.out<U>(0);
  for (int64_t c = 0; c < inputs; ++c)
    for (int64_t o = 0; o < outputs; ++o) {
      const W* taps = w + (o * inputs + c) * 9;
      const int64_t at = gradient ? o * inputs + c : c * outputs + o;
      transform_2d<Along, V>(
          [&](int i, int j) {
            const int tap = 3 * i + j;
            return static_cast<V>(taps[gradient ? 8 - tap : tap]);
          },
          [&](int i, const V(&made)[t]) {
            for (int j = 0; j < t; ++j)
              u[(i * t + j) * inputs * outputs + at] = static_cast<U>(made[j]);
          });
    }
}

// X, U and Y are what x, the filters and y hold; T is computed in.
template <int m, class T, class X, class U, class Y>
HONE_INLINE void convolve(const RefCall& call) {
  constexpr int t = m + 2;
  const ir::ConvDims d =
      ir::winograd_dims(call.operands[0].shape(), call.operands[1].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.operands[0].shape(), layout), ys(call.results[0].shape(), layout);
  const X* x = call.in<X>(0);
  const U* u = call.in<U>(1);
  Y* y = call.out<Y>(0);
  const auto pad_value = static_cast<T>(call.attrs().integer("pad_value"));
  std::vector<T> values(static_cast<size_t>(t * t * d.c));  // of the inputs, at the points
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t h = 0; h < d.oh; h += m)
      for (int64_t w = 0; w < d.ow; w += m) {
        for (int64_t c = 0; c < d.c; ++c)
          transform_2d<WinogradInput<m>, T>(
              [&](int i, int j) {
                const int64_t at_h = h + i - d.pad_top, at_w = w + j - d.pad_left;
                const bool inside = at_h >= 0 && at_h < d.h && at_w >= 0 && at_w < d.w;
                return inside ? static_cast<T>(x[xs.at(n, c, at_h, at_w)]) : pad_value;
              },
              [&](int i, const T(&made)[t]) {
                for (int j = 0; j < t; ++j)
                  values[static_cast<size_t>((i * t + j) * d.c + c)] = made[j];
              });
        for (int64_t o = 0; o < d.o; ++o)
          transform_2d<WinogradOutput<m>, T>(
              [&](int i, int j) {
                const int64_t p = i * t + j;
                T acc = 0;
                for (int64_t c = 0; c < d.c; ++c)
                  acc = fma(values[static_cast<size_t>(p * d.c + c)],
                            static_cast<T>(u[(p * d.c + c) * d.o + o]), acc);
                return acc;
              },
              [&](int i, const T(&made)[m]) {
                if (h + i >= d.oh) return;
                for (int64_t j = 0; j < std::min<int64_t>(m, d.ow - w); ++j)
                  y[ys.at(n, o, h + i, w + j)] = output_of(made[j]);
              });
      }
}

// Integers need no FMA, so they are compiled for no target of their own.
[[gnu::noinline]] void filter_integers(const RefCall& call) {
  filters<WinogradDoubledFilter, uint32_t, int8_t, int16_t>(call);
}

[[gnu::noinline]] void convolve_integers(const RefCall& call) {
  visit_byte(call.operands[0].type->dtype,
             [&]<class X>(X) { convolve<2, uint32_t, X, int16_t, int32_t>(call); });
}

template <class T>
HONE_INLINE void winograd_filter(const RefCall& call) {
  if (call.operands[0].type->dtype == DType::i8) filter_integers(call);
  else if (call.attrs().integer("tile") == 2) filters<WinogradFilter<2>, T, T, T>(call);
  else filters<WinogradFilter<4>, T, T, T>(call);
}

template <class T>
HONE_INLINE void winograd_conv2d(const RefCall& call) {
  if (is_byte(call.operands[0].type->dtype)) convolve_integers(call);
  else if (call.attrs().integer("tile") == 2) convolve<2, T, T, T, T>(call);
  else convolve<4, T, T, T, T>(call);
}

}  // namespace

std::span<const ReferenceRow> winograd_reference() {
  static const ReferenceRow rows[] = {
      HONE_REFERENCE(winograd_filter),
      HONE_REFERENCE(winograd_conv2d),
  };
  return rows;
}

}  // namespace hone::kernels

// Scalar references of Winograd's minimal filtering (docs/numerics.md).
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/families.h"
#include "kernels/image_strides.h"

namespace hone::kernels {
namespace {

HONE_INLINE float fma(float a, float b, float c) { return std::fma(a, b, c); }
HONE_INLINE double fma(double a, double b, double c) { return std::fma(a, b, c); }
template <class V>
HONE_INLINE V splat(double x) {
  return static_cast<V>(x);
}

#include "kernels/winograd/transform.h"

template <int m, class T>
HONE_INLINE void filters(const RefCall& call) {
  constexpr int t = m + 2;
  const int64_t outputs = call.operands[0].shape()[0], inputs = call.operands[0].shape()[1];
  const bool gradient = call.attrs().flag("gradient");
  const T* w = call.in<T>(0);
  T* u = call.out<T>(0);
  for (int64_t c = 0; c < inputs; ++c)
    for (int64_t o = 0; o < outputs; ++o) {
      T g[3][3], made[t][t];
      for (int64_t i = 0; i < 9; ++i)
        g[i / 3][i % 3] = w[(o * inputs + c) * 9 + (gradient ? 8 - i : i)];
      transform_2d<WinogradFilter<m>>(g, made);
      for (int64_t p = 0; p < t * t; ++p) {
        const int64_t at = gradient ? o * inputs + c : c * outputs + o;
        u[p * inputs * outputs + at] = made[p / t][p % t];
      }
    }
}

template <int m, class T>
HONE_INLINE void convolve(const RefCall& call) {
  constexpr int t = m + 2;
  const ir::ConvDims d =
      ir::winograd_dims(call.operands[0].shape(), call.operands[1].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.operands[0].shape(), layout), ys(call.results[0].shape(), layout);
  const T* x = call.in<T>(0);
  const T* u = call.in<T>(1);
  T* y = call.out<T>(0);
  std::vector<T> values(static_cast<size_t>(t * t * d.c));  // of the inputs, at the points
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t h = 0; h < d.oh; h += m)
      for (int64_t w = 0; w < d.ow; w += m) {
        for (int64_t c = 0; c < d.c; ++c) {
          T in[t][t], made[t][t];
          for (int64_t i = 0; i < t; ++i)
            for (int64_t j = 0; j < t; ++j) {
              const int64_t at_h = h + i - d.pad_top, at_w = w + j - d.pad_left;
              const bool inside = at_h >= 0 && at_h < d.h && at_w >= 0 && at_w < d.w;
              in[i][j] = inside ? x[xs.at(n, c, at_h, at_w)] : T{0};
            }
          transform_2d<WinogradInput<m>>(in, made);
          for (int64_t p = 0; p < t * t; ++p)
            values[static_cast<size_t>(p * d.c + c)] = made[p / t][p % t];
        }
        for (int64_t o = 0; o < d.o; ++o) {
          T products[t][t], made[m][m];
          for (int64_t p = 0; p < t * t; ++p) {
            T acc = 0;
            for (int64_t c = 0; c < d.c; ++c)
              acc = fma(values[static_cast<size_t>(p * d.c + c)], u[(p * d.c + c) * d.o + o], acc);
            products[p / t][p % t] = acc;
          }
          transform_2d<WinogradOutput<m>>(products, made);
          for (int64_t i = 0; i < std::min<int64_t>(m, d.oh - h); ++i)
            for (int64_t j = 0; j < std::min<int64_t>(m, d.ow - w); ++j)
              y[ys.at(n, o, h + i, w + j)] = made[i][j];
        }
      }
}

template <class T>
HONE_INLINE void winograd_filter(const RefCall& call) {
  if (call.attrs().integer("tile") == 2) filters<2, T>(call);
  else filters<4, T>(call);
}

template <class T>
HONE_INLINE void winograd_conv2d(const RefCall& call) {
  if (call.attrs().integer("tile") == 2) convolve<2, T>(call);
  else convolve<4, T>(call);
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

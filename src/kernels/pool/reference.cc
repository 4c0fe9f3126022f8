// Scalar references of pooling: the loops of docs/numerics.md, in either layout.
#include "kernels/reference.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/dtype.h"
#include "ir/infer.h"
#include "kernels/bytes.h"
#include "kernels/families.h"
#include "kernels/image_strides.h"
#include "kernels/pool/window.h"

namespace hone::kernels {
namespace {

using ir::PoolDims;

// Calls f(n, c, oh, ow, window) for every output, oh and ow ascending.
template <class F>
HONE_INLINE void for_outputs(const PoolDims& d, F&& f) {
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t c = 0; c < d.c; ++c)
      for (int64_t oh = 0; oh < d.oh; ++oh)
        for (int64_t ow = 0; ow < d.ow; ++ow) f(n, c, oh, ow, PoolWindow(d, oh, ow));
}

// The offset of the window's maximum: the first NaN, else the first of the greatest.
template <class T>
HONE_INLINE int64_t place_of_max(const T* x, const ImageStrides& xs, int64_t n, int64_t c,
                                 const PoolWindow& window) {
  int64_t best = xs.at(n, c, window.h0, window.w0);
  for (int64_t h = window.h0; h < window.h1; h += window.step_h)
    for (int64_t w = window.w0; w < window.w1; w += window.step_w) {
      const int64_t place = xs.at(n, c, h, w);
      const bool first_nan = x[place] != x[place] && x[best] == x[best];
      if (x[place] > x[best] || first_nan) best = place;
    }
  return best;
}

template <class T>
HONE_INLINE void max_pool(const RefCall& call) {
  using Limits = std::numeric_limits<T>;
  constexpr T kNothing = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  const PoolDims d = ir::pool_dims(call.operands[0].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.operands[0].shape(), layout);
  const ImageStrides ys(call.results[0].shape(), layout);
  const T* x = call.in<T>(0);
  T* y = call.out<T>(0);
  for_outputs(d, [&](int64_t n, int64_t c, int64_t oh, int64_t ow, const PoolWindow& window) {
    y[ys.at(n, c, oh, ow)] = window.empty() ? kNothing : x[place_of_max(x, xs, n, c, window)];
  });
}

template <class T>
HONE_INLINE void max_pool2d(const RefCall& call) {
  const DType dtype = call.operands[0].type->dtype;
  if (is_byte(dtype)) visit_byte(dtype, [&]<class E>(E) { max_pool<E>(call); });
  else max_pool<T>(call);
}

template <class T>
HONE_INLINE void max_pool2d_grad(const RefCall& call) {
  const PoolDims d = ir::pool_dims(call.operands[0].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.operands[0].shape(), layout);
  const ImageStrides ys(call.operands[1].shape(), layout);
  const T* x = call.in<T>(0);
  const T* dy = call.in<T>(1);
  T* dx = call.out<T>(0);
  std::fill_n(dx, call.results[0].shape().elements(), T{0});
  for_outputs(d, [&](int64_t n, int64_t c, int64_t oh, int64_t ow, const PoolWindow& window) {
    if (!window.empty()) dx[place_of_max(x, xs, n, c, window)] += dy[ys.at(n, c, oh, ow)];
  });
}

template <class T>
HONE_INLINE void avg_pool2d(const RefCall& call) {
  const PoolDims d = ir::pool_dims(call.operands[0].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.operands[0].shape(), layout);
  const ImageStrides ys(call.results[0].shape(), layout);
  const bool count_pad = call.attrs().flag("count_pad");
  const T* x = call.in<T>(0);
  T* y = call.out<T>(0);
  for_outputs(d, [&](int64_t n, int64_t c, int64_t oh, int64_t ow, const PoolWindow& window) {
    T sum = -T{0};
    for (int64_t h = window.h0; h < window.h1; h += window.step_h)
      for (int64_t w = window.w0; w < window.w1; w += window.step_w) sum += x[xs.at(n, c, h, w)];
    y[ys.at(n, c, oh, ow)] =
        window.empty() ? T{0} : sum / static_cast<T>(window.count(d, count_pad));
  });
}

template <class T>
HONE_INLINE void avg_pool2d_grad(const RefCall& call) {
  const PoolDims d = ir::pool_dims(call.results[0].shape(), call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(call.results[0].shape(), layout);
  const ImageStrides ys(call.operands[0].shape(), layout);
  const bool count_pad = call.attrs().flag("count_pad");
  const T* dy = call.in<T>(0);
  T* dx = call.out<T>(0);
  std::fill_n(dx, call.results[0].shape().elements(), T{0});
  for_outputs(d, [&](int64_t n, int64_t c, int64_t oh, int64_t ow, const PoolWindow& window) {
    if (window.empty()) return;
    const T share = dy[ys.at(n, c, oh, ow)] / static_cast<T>(window.count(d, count_pad));
    for (int64_t h = window.h0; h < window.h1; h += window.step_h)
      for (int64_t w = window.w0; w < window.w1; w += window.step_w) dx[xs.at(n, c, h, w)] += share;
  });
}

}  // namespace

std::span<const ReferenceRow> pool_reference() {
  static const ReferenceRow rows[] = {
      HONE_REFERENCE(max_pool2d),
      HONE_REFERENCE(max_pool2d_grad),
      HONE_REFERENCE(avg_pool2d),
      HONE_REFERENCE(avg_pool2d_grad),
  };
  return rows;
}

}  // namespace hone::kernels

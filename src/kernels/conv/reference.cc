// Scalar references of the convolutions: the loops of docs/numerics.md, in either layout.
#include "kernels/reference.h"

#include <array>
#include <vector>

#include "base/dtype.h"
#include "base/shards.h"
#include "ir/infer.h"
#include "kernels/bytes.h"
#include "kernels/families.h"
#include "kernels/image_strides.h"
#include "kernels/multiply_add.h"

namespace hone::kernels {
namespace {

using ir::ConvDims;

// Element strides of a weight by what an axis means, not by where it lies.
struct WeightStrides {
  int64_t o, i, h, w;
  HONE_INLINE int64_t at(int64_t io, int64_t ii, int64_t ih, int64_t iw) const {
    return io * o + ii * i + ih * h + iw * w;
  }
};

WeightStrides weight_strides(const Shape& shape, const ir::Layout& at) {
  const std::vector<int64_t> s = shape.strides();
  const auto stride = [&](int axis) { return s[static_cast<size_t>(axis)]; };
  return {stride(at.weight_o), stride(at.weight_i), stride(at.weight_h), stride(at.weight_w)};
}

// Where the tap k of the output at `out` falls in the input; outside [0, size) it is padding.
HONE_INLINE int64_t tap_place(int64_t out, int64_t stride, int64_t pad, int64_t k,
                              int64_t dilation) {
  return out * stride - pad + k * dilation;
}

// The output whose tap k falls on `in`, or -1 if there is none.
HONE_INLINE int64_t covering_output(int64_t in, int64_t stride, int64_t pad, int64_t k,
                                    int64_t dilation, int64_t outputs) {
  const int64_t distance = in + pad - k * dilation;
  if (distance < 0 || distance % stride != 0) return -1;
  const int64_t out = distance / stride;
  return out < outputs ? out : -1;
}

// X, W and T are what x, w and y hold.
template <class X, class W, class T>
HONE_INLINE void convolve(const RefCall& call) {
  const Shape& x_shape = call.operands[0].shape();
  const Shape& w_shape = call.operands[1].shape();
  const ConvDims d = ir::conv_dims(x_shape, w_shape, call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(x_shape, layout);
  const ImageStrides ys(call.results[0].shape(), layout);
  const WeightStrides ws = weight_strides(w_shape, layout);
  const X* x = call.in<X>(0);
  const W* w = call.in<W>(1);
  T* y = call.out<T>(0);
  const auto pad_value = static_cast<T>(call.attrs().integer("pad_value"));
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t oh = 0; oh < d.oh; ++oh)
      for (int64_t ow = 0; ow < d.ow; ++ow)
        for (int64_t o = 0; o < d.o; ++o) {
          const int64_t first_c = o / d.group_o() * d.group_c();
          T acc = 0;
          for (int64_t kh = 0; kh < d.kh; ++kh) {
            const int64_t h = tap_place(oh, d.stride_h, d.pad_top, kh, d.dilation_h);
            for (int64_t kw = 0; kw < d.kw; ++kw) {
              const int64_t v = tap_place(ow, d.stride_w, d.pad_left, kw, d.dilation_w);
              const bool inside = h >= 0 && h < d.h && v >= 0 && v < d.w;
              if (!inside && pad_value == 0) continue;
              for (int64_t c = 0; c < d.group_c(); ++c)
                acc = multiply_add(
                    inside ? static_cast<T>(x[xs.at(n, first_c + c, h, v)]) : pad_value,
                    static_cast<T>(w[ws.at(o, c, kh, kw)]), acc);
            }
          }
          y[ys.at(n, o, oh, ow)] = acc;
        }
}

// They need no FMA, so they are compiled for no target of their own.
[[gnu::noinline]] void convolve_integers(const RefCall& call) {
  if (call.operands[0].type->dtype == DType::i32) return convolve<int32_t, int32_t, int32_t>(call);
  visit_byte(call.operands[0].type->dtype, [&]<class X>(X) {
    visit_byte(call.operands[1].type->dtype, [&]<class W>(W) { convolve<X, W, int32_t>(call); });
  });
}

template <class T>
HONE_INLINE void conv2d(const RefCall& call) {
  if (call.operands[0].type->dtype == dtype_of<T>()) convolve<T, T, T>(call);
  else convolve_integers(call);
}

template <class T>
HONE_INLINE void conv2d_grad_input(const RefCall& call) {
  const Shape& x_shape = call.results[0].shape();
  const Shape& w_shape = call.operands[1].shape();
  const ConvDims d = ir::conv_dims(x_shape, w_shape, call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(x_shape, layout);
  const ImageStrides ys(call.operands[0].shape(), layout);
  const WeightStrides ws = weight_strides(w_shape, layout);
  const T* dy = call.in<T>(0);
  const T* w = call.in<T>(1);
  T* dx = call.out<T>(0);
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t h = 0; h < d.h; ++h)
      for (int64_t v = 0; v < d.w; ++v)
        for (int64_t c = 0; c < d.c; ++c) {
          const int64_t first_o = c / d.group_c() * d.group_o();
          T acc = 0;
          for (int64_t kh = 0; kh < d.kh; ++kh) {
            const int64_t oh = covering_output(h, d.stride_h, d.pad_top, kh, d.dilation_h, d.oh);
            if (oh < 0) continue;
            for (int64_t kw = 0; kw < d.kw; ++kw) {
              const int64_t ow = covering_output(v, d.stride_w, d.pad_left, kw, d.dilation_w, d.ow);
              if (ow < 0) continue;
              for (int64_t o = first_o; o < first_o + d.group_o(); ++o)
                acc = std::fma(dy[ys.at(n, o, oh, ow)], w[ws.at(o, c % d.group_c(), kh, kw)], acc);
            }
          }
          dx[xs.at(n, c, h, v)] = acc;
        }
}

template <class T>
HONE_INLINE void conv2d_grad_weight(const RefCall& call) {
  const Shape& x_shape = call.operands[0].shape();
  const Shape& w_shape = call.results[0].shape();
  const ConvDims d = ir::conv_dims(x_shape, w_shape, call.attrs());
  const ir::Layout& layout = ir::layout_of(call.attrs());
  const ImageStrides xs(x_shape, layout);
  const ImageStrides ys(call.operands[1].shape(), layout);
  const WeightStrides ws = weight_strides(w_shape, layout);
  const Sharding sharding{call.attrs().integer("batch", std::max<int64_t>(d.n, 1)),
                          call.attrs().integer("shards", 1)};
  const T* x = call.in<T>(0);
  const T* dy = call.in<T>(1);
  T* dw = call.out<T>(0);
  std::vector<T> partials(static_cast<size_t>(sharding.present(d.n)));
  for (int64_t kh = 0; kh < d.kh; ++kh)
    for (int64_t kw = 0; kw < d.kw; ++kw)
      for (int64_t c = 0; c < d.group_c(); ++c)
        for (int64_t o = 0; o < d.o; ++o) {
          const int64_t x_c = o / d.group_o() * d.group_c() + c;
          for (size_t s = 0; s < partials.size(); ++s) {
            const int64_t shard = static_cast<int64_t>(s);
            T acc = 0;
            for (int64_t n = sharding.begin(shard); n < sharding.end(shard, d.n); ++n)
              for (int64_t oh = 0; oh < d.oh; ++oh) {
                const int64_t h = tap_place(oh, d.stride_h, d.pad_top, kh, d.dilation_h);
                if (h < 0 || h >= d.h) continue;
                for (int64_t ow = 0; ow < d.ow; ++ow) {
                  const int64_t v = tap_place(ow, d.stride_w, d.pad_left, kw, d.dilation_w);
                  if (v < 0 || v >= d.w) continue;
                  acc = std::fma(x[xs.at(n, x_c, h, v)], dy[ys.at(n, o, oh, ow)], acc);
                }
              }
            partials[s] = acc;
          }
          std::array<T, kMaxTreeDepth + 1> sums{};
          tree_fold(
              std::ssize(partials),
              [&](int64_t i, int slot) {
                sums[static_cast<size_t>(slot)] = partials[static_cast<size_t>(i)];
              },
              [&](int into, int from) {
                sums[static_cast<size_t>(into)] += sums[static_cast<size_t>(from)];
              });
          dw[ws.at(o, c, kh, kw)] = sums[0];
        }
}

}  // namespace

std::span<const ReferenceRow> conv_reference() {
  static const ReferenceRow rows[] = {
      HONE_REFERENCE(conv2d),
      HONE_REFERENCE(conv2d_grad_input),
      HONE_REFERENCE(conv2d_grad_weight),
  };
  return rows;
}

}  // namespace hone::kernels

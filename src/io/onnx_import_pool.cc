// Import rows of the pools. hone pools images: other ranks are pooled two axes at a time, as a
// window's maximum, and its sum and count, are those of its rows.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "io/onnx_rows.h"
#include "io/onnx_window.h"
#include "ir/expr_index.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

/// What a window does along one axis; by default, nothing.
struct AxisWindow {
  int64_t size = 1, stride = 1, begin = 0, end = 0, dilation = 1;
};

Expr pool2d(const Expr& image, const ir::OpSpec& op, const AxisWindow& h, const AxisWindow& w,
            bool count_pad) {
  ir::PoolOptions o;
  o.window = {h.size, w.size};
  o.stride = {h.stride, w.stride};
  o.pad = {h.begin, w.begin, h.end, w.end};
  o.dilation = {h.dilation, w.dilation};
  o.count_pad = count_pad;
  return &op == &ir::op::avg_pool2d ? ir::avg_pool2d(image, o) : ir::max_pool2d(image, o);
}

Expr pool(Expr x, const ir::OpSpec& op, const std::vector<AxisWindow>& axes, bool count_pad) {
  const size_t rank = axes.size();
  if (rank == 2) return pool2d(x, op, axes[0], axes[1], count_pad);
  // The last two axes as an image, then each axis before them as its rows.
  for (size_t last = rank; last > 0; last -= std::min<size_t>(last, last == rank ? 2 : 1)) {
    const size_t first = last == rank && rank > 1 ? last - 2 : last - 1;
    Ints dims = x.shape().dims();
    const auto spatial = [&](size_t from, size_t to) {
      int64_t n = 1;
      for (size_t i = from; i < to; ++i) n *= dims[i + 2];
      return n;
    };
    const Expr image = ir::reshape(
        x, {dims[0], dims[1] * spatial(0, first), dims[first + 2], spatial(first + 1, rank)});
    const bool is_image = last - first == 2;
    const Expr y =
        pool2d(image, op, axes[first], is_image ? axes[first + 1] : AxisWindow{}, count_pad);
    dims[first + 2] = y.shape()[2];
    if (is_image) dims[first + 3] = y.shape()[3];
    x = ir::reshape(y, Shape(dims));
  }
  return x;
}

// f32, or integers of 8 bits.
Expr poolable(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  if (x.rank() < 3)
    fail(ErrorKind::Unsupported, "expected [N,C,...], found {}", x.shape().to_string());
  const bool fits = x.dtype() == DType::f32 || x.dtype() == DType::u8 || x.dtype() == DType::i8;
  if (!fits) fail(ErrorKind::Unsupported, "{} is not supported", name_of(x.dtype()));
  return x;
}
Expr as_f32(OnnxImporter& in, const Node& n) { return ir::cast(poolable(in, n), DType::f32); }

std::vector<AxisWindow> axes_of(const OnnxWindow& w) {
  std::vector<AxisWindow> axes;
  for (size_t i = 0; i < w.rank(); ++i)
    axes.push_back({w.kernel[i], w.stride[i], w.begin[i], w.end[i], w.dilation[i]});
  return axes;
}

// The places of the maxima in the whole of x, counted by rows or, on demand, by columns.
void max_indices(OnnxImporter& in, const Node& n, const Expr& x, const OnnxWindow& w) {
  const Shape s = x.shape();
  if (w.rank() != 2 || !s.is_static())
    fail(ErrorKind::Unsupported, "indices of {}: expected images of static shape", s.to_string());
  const ir::MaxPlaces at =
      ir::max_pool2d_places(x, {.window = w.kernel,
                                .stride = w.stride,
                                .pad = {w.begin[0], w.begin[1], w.end[0], w.end[1]},
                                .dilation = w.dilation});
  Tensor images(DType::i64, {s[0], s[1], 1, 1});
  for (int64_t i = 0; i < images.elements(); ++i) images.data<int64_t>()[i] = i * s[2] * s[3];
  const bool by_columns = int_of(n, "storage_order", 0) != 0;
  const Expr place = by_columns ? at.w * s[2] + at.h : at.h * s[3] + at.w;
  in.bind(n, 1, place + in.constant(images));
}

void max_pool(OnnxImporter& in, const Node& n) {
  const Expr x = in.wants(n, 1) ? as_f32(in, n) : poolable(in, n);
  const OnnxWindow w = window_of(n, x.shape(), ints_of(n, "kernel_shape"));
  if (in.wants(n, 1)) max_indices(in, n, x, w);
  in.bind(n, ir::cast(pool(x, ir::op::max_pool2d, axes_of(w), false), in.type(n, 0).dtype));
}

// The mean over the windows' places inside, or over all of them.
Expr average(const Node& n, const Expr& x, bool count_pad) {
  const OnnxWindow w = window_of(n, x.shape(), ints_of(n, "kernel_shape"));
  const std::vector<AxisWindow> axes = axes_of(w);
  const Ints pads = ints_of(n, "pads", Ints(2 * w.rank(), 0));
  for (size_t i = 0; i < axes.size(); ++i) {
    if (count_pad && int_of(n, "ceil_mode", 0) != 0 && axes[i].end != pads[i + w.rank()])
      fail(ErrorKind::Unsupported, "ceil_mode with count_include_pad is not supported");
  }
  return pool(x, ir::op::avg_pool2d, axes, count_pad);
}

void average_pool(OnnxImporter& in, const Node& n) {
  if (in.type(n, 0).dtype != DType::f32)
    fail(ErrorKind::Unsupported, "{} is not supported", name_of(in.type(n, 0).dtype));
  in.bind(n, average(n, as_f32(in, n), int_of(n, "count_include_pad", 0) != 0));
}

// |x|^p, and the p-th root.
Expr power(const Expr& x, int64_t p) {
  if (p == 1) return ir::abs(x);
  if (p == 2) return x * x;
  fail(ErrorKind::Unsupported, "p = {}: expected 1 or 2", p);
}
Expr root(const Expr& x, int64_t p) { return p == 1 ? x : ir::sqrt(x); }

// The p-norm of a window: its mean times its places.
void lp_pool(OnnxImporter& in, const Node& n) {
  const int64_t p = int_of(n, "p", 2);
  double places = 1;
  for (int64_t k : ints_of(n, "kernel_shape")) places *= static_cast<double>(k);
  in.bind(n, root(average(n, power(in.expr(n, 0), p), true) * places, p));
}

void global_pool(OnnxImporter& in, const Node& n) {
  const Expr x = as_f32(in, n);
  const bool average = n.op_type() == "GlobalAveragePool";
  std::vector<AxisWindow> axes;
  for (int i = 2; i < x.rank(); ++i) axes.push_back({x.shape()[i]});
  in.bind(n, pool(x, average ? ir::op::avg_pool2d : ir::op::max_pool2d, axes, false));
}

void global_lp_pool(OnnxImporter& in, const Node& n) {
  const int64_t p = int_of(n, "p", 2);
  const Expr x = as_f32(in, n);
  Ints axes;
  for (int i = 2; i < x.rank(); ++i) axes.push_back(i);
  in.bind(n, root(ir::reduce_sum(power(x, p), axes, true), p));
}

}  // namespace

std::vector<OnnxImportRow> onnx_pool_rows() {
  return {{"MaxPool", max_pool},
          {"AveragePool", average_pool},
          {"LpPool", lp_pool},
          {"GlobalAveragePool", global_pool},
          {"GlobalMaxPool", global_pool},
          {"GlobalLpPool", global_lp_pool}};
}

}  // namespace hone::io

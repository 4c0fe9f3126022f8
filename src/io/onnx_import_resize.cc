// Import rows of Resize and Upsample. Each axis is resized on its own: by picking elements, or by a
// product with a constant matrix of interpolation weights.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/dtype.h"
#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

/// How places of the result lie among those of the operand.
struct Resizing {
  std::string mode, coordinates, rounding;
  double cubic = -0.75;
  double outside = 0;  ///< what tf_crop_and_resize gives beyond the operand
  bool exclude_outside = false;
};

struct Axis {
  int64_t from, to;
  double scale;
  double begin = 0, end = 1;  ///< the part of the operand that tf_crop_and_resize shows
};

double place_of(const Resizing& r, const Axis& a, int64_t i) {
  const auto x = static_cast<double>(i);
  const auto last = static_cast<double>(a.from - 1);
  // ONNX's own results take the exact length here, of which `to` is the whole part.
  const double length = a.scale * static_cast<double>(a.from);
  const std::string& how = r.coordinates;
  if (how == "half_pixel") return (x + 0.5) / a.scale - 0.5;
  if (how == "pytorch_half_pixel") return a.to > 1 ? (x + 0.5) / a.scale - 0.5 : 0;
  if (how == "align_corners") return a.to > 1 ? x * last / (length - 1) : 0;
  if (how == "asymmetric") return x / a.scale;
  if (how == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
  if (how == "tf_crop_and_resize")
    return a.to > 1 ? a.begin * last + x * (a.end - a.begin) * last / (length - 1)
                    : 0.5 * (a.begin + a.end) * last;
  if (how == "half_pixel_symmetric") {
    const double centre = static_cast<double>(a.from) / 2;
    const double shown = static_cast<double>(a.to) / length;
    return centre * (1 - shown) + (x + 0.5) / a.scale - 0.5;
  }
  fail(ErrorKind::Unsupported, "coordinate_transformation_mode '{}' is not supported", how);
}

int64_t nearest(const Resizing& r, double x) {
  if (r.rounding == "round_prefer_floor") return static_cast<int64_t>(std::ceil(x - 0.5));
  if (r.rounding == "round_prefer_ceil") return static_cast<int64_t>(std::floor(x + 0.5));
  if (r.rounding == "floor") return static_cast<int64_t>(std::floor(x));
  if (r.rounding == "ceil") return static_cast<int64_t>(std::ceil(x));
  fail(ErrorKind::Unsupported, "nearest_mode '{}' is not supported", r.rounding);
}

// Weights of the elements around a place whose distance from the one before it is `t`.
std::vector<double> taps(const Resizing& r, double t) {
  if (r.mode == "linear") return {1 - t, t};
  const double a = r.cubic;
  const auto far = [&](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  const auto near = [&](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

Tensor weights(const Resizing& r, const Axis& a) {
  Tensor w(DType::f32, {a.to, a.from});
  for (int64_t i = 0; i < a.to; ++i) {
    const double x = place_of(r, a, i);
    const auto before = static_cast<int64_t>(std::floor(x));
    const std::vector<double> all = taps(r, x - std::floor(x));
    const int64_t first = before + 1 - static_cast<int64_t>(all.size() / 2);
    const auto inside = [&](size_t t) {
      const int64_t at = first + static_cast<int64_t>(t);
      return at >= 0 && at < a.from;
    };
    double sum = 0;
    for (size_t t = 0; t < all.size(); ++t)
      if (!r.exclude_outside || inside(t)) sum += all[t];
    for (size_t t = 0; t < all.size(); ++t) {
      if (r.exclude_outside && !inside(t)) continue;
      const int64_t at = std::clamp<int64_t>(first + static_cast<int64_t>(t), 0, a.from - 1);
      w.data<float>()[i * a.from + at] +=
          static_cast<float>(r.exclude_outside ? all[t] / sum : all[t]);
    }
  }
  return w;
}

// Weights [to, from] times the axis.
Expr interpolate(OnnxImporter& in, const Expr& x, int64_t axis, const Tensor& w) {
  const int last = x.rank() - 1;
  const Expr matrix = in.constant(w);
  if (axis == last) return ir::matmul(x, matrix, false, true);
  if (axis == last - 1) return ir::matmul(matrix, x);
  Ints swap(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < swap.size(); ++i) swap[i] = static_cast<int64_t>(i);
  std::swap(swap[static_cast<size_t>(axis)], swap[static_cast<size_t>(last)]);
  return ir::transpose(ir::matmul(ir::transpose(x, swap), matrix, false, true), swap);
}

Expr resize_axis(OnnxImporter& in, const Expr& x, int64_t axis, const Resizing& r, const Axis& a) {
  require(a.from > 0, "axis {} has no elements to resize", axis);
  Expr y;
  if (r.mode == "nearest") {
    in.charge(a.to);
    Ints places;
    for (int64_t i = 0; i < a.to; ++i)
      places.push_back(std::clamp<int64_t>(nearest(r, place_of(r, a, i)), 0, a.from - 1));
    y = pick(x, axis, places);
  } else {
    in.charge(a.from > INT32_MAX ? a.from : a.from * a.to);
    y = interpolate(in, x, axis, weights(r, a));
  }
  if (r.coordinates != "tf_crop_and_resize") return y;
  Ints along(static_cast<size_t>(x.rank()), 1);
  along[static_cast<size_t>(axis)] = a.to;
  Tensor shown(DType::boolean, Shape(along));
  for (int64_t i = 0; i < a.to; ++i) {
    const double at = place_of(r, a, i);
    shown.data<bool>()[i] = at >= 0 && at <= static_cast<double>(a.from - 1);
  }
  return ir::select(in.constant(shown), y, in.scalar(x.dtype(), r.outside));
}

int64_t scaled(int64_t extent, double scale) {
  const double to = std::floor(static_cast<double>(extent) * scale);
  require(scale > 0 && to >= 0 && to < 2147483648.0, "scale {} of an extent of {}", scale, extent);
  return static_cast<int64_t>(to);
}

// `scales` or `sizes` are one for each of the axes.
void resize_all(OnnxImporter& in, const Node& n, const Resizing& r, const Ints& axes,
                const std::vector<double>& scales, const Ints& sizes,
                const std::vector<double>& roi) {
  const Expr input = in.expr(n, 0);
  if (r.mode != "nearest" && r.mode != "linear" && r.mode != "cubic")
    fail(ErrorKind::Unsupported, "mode '{}' is not supported", r.mode);
  require(scales.size() == axes.size() || sizes.size() == axes.size(),
          "expected {} scales or sizes, found {} and {}", axes.size(), scales.size(), sizes.size());
  const bool crops = r.coordinates == "tf_crop_and_resize";
  require(!crops || roi.size() == 2 * axes.size(), "expected a region of {} numbers, found {}",
          2 * axes.size(), roi.size());
  // Bytes are interpolated as floats are, and what is between two of them is cut off.
  Expr x = r.mode == "nearest" ? input : ir::cast(input, DType::f32);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axis_of(axes[i], x.rank());
    const int64_t from = x.shape()[static_cast<int>(axis)];
    const bool by_size = sizes.size() == axes.size();
    if (by_size ? sizes[i] == from || sizes[i] == kBatchExtent : scales[i] == 1) {
      if (!crops || (roi[i] == 0 && roi[i + axes.size()] == 1)) continue;
    }
    if (from == kBatch) fail(ErrorKind::Unsupported, "the symbolic batch cannot be resized");
    require(!by_size || (sizes[i] >= 0 && sizes[i] < INT32_MAX), "size {} is out of range",
            by_size ? sizes[i] : 0);
    Axis a{from, by_size ? sizes[i] : scaled(from, scales[i]), 0};
    a.scale = by_size ? static_cast<double>(a.to) / static_cast<double>(from) : scales[i];
    if (crops) {
      a.begin = roi[i];
      a.end = roi[i + axes.size()];
    }
    x = resize_axis(in, x, axis, r, a);
  }
  if (x.dtype() != input.dtype() && (r.mode != "linear" || !is_byte(input.dtype())))
    fail(ErrorKind::Unsupported, "{} of {} is not supported", r.mode, name_of(input.dtype()));
  in.bind(n, ir::cast(x, input.dtype()));
}

Ints all_axes(int rank) {
  Ints axes;
  for (int a = 0; a < rank; ++a) axes.push_back(a);
  return axes;
}

// Up to opset 10 there are scales only, and places are those of `asymmetric`, cut off.
void upsample(OnnxImporter& in, const Node& n) {
  Resizing r{string_of(n, "mode", "nearest"), "asymmetric", "floor"};
  std::vector<double> scales;
  if (in.has(n, 1)) scales = in.reals(n, 1);
  else
    for (float s : floats_of(n, "scales")) scales.push_back(s);
  resize_all(in, n, r, all_axes(in.expr(n, 0).rank()), scales, {}, {});
}

void resize(OnnxImporter& in, const Node& n) {
  if (in.opset() < 11) return upsample(in, n);
  if (int_of(n, "antialias", 0) != 0) fail(ErrorKind::Unsupported, "antialias is not supported");
  if (string_of(n, "keep_aspect_ratio_policy", "stretch") != "stretch")
    fail(ErrorKind::Unsupported, "keep_aspect_ratio_policy is not supported");
  Resizing r;
  r.mode = string_of(n, "mode", "nearest");
  r.coordinates = string_of(n, "coordinate_transformation_mode", "half_pixel");
  r.rounding = string_of(n, "nearest_mode", "round_prefer_floor");
  r.cubic = float_of(n, "cubic_coeff_a", -0.75);
  r.outside = float_of(n, "extrapolation_value", 0);
  r.exclude_outside = int_of(n, "exclude_outside", 0) != 0;
  const std::vector<double> roi = in.has(n, 1) && r.coordinates == "tf_crop_and_resize"
                                      ? in.reals(n, 1)
                                      : std::vector<double>{};
  const std::vector<double> scales = in.has(n, 2) ? in.reals(n, 2) : std::vector<double>{};
  const Ints sizes = in.has(n, 3) ? in.extents(n, 3) : Ints{};
  resize_all(in, n, r, ints_of(n, "axes", all_axes(in.expr(n, 0).rank())), scales, sizes, roi);
}

}  // namespace

std::vector<OnnxImportRow> onnx_resize_rows() {
  return {{"Resize", resize}, {"Upsample", upsample}};
}

}  // namespace hone::io

// Import rows of 8-bit arithmetic: exact integers between what is quantised and dequantised.
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "io/onnx_rows.h"
#include "io/onnx_window.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

/// The least and greatest value of a dtype of 8 or 16 bits.
std::pair<double, double> range_of(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return {0, 255};
    case DType::i8:
      return {-128, 127};
    case DType::u16:
      return {0, 65535};
    case DType::i16:
      return {-32768, 32767};
    default:
      fail(ErrorKind::Unsupported, "{} is no dtype to quantise to", name_of(dtype));
  }
}

// A scale or zero point: one number, or one for each place of an axis.
Expr along(const Expr& v, int64_t axis, int rank) {
  if (v.rank() == 0) return v;
  require(v.rank() == 1, "expected one number or a vector, found {}", v.type());
  if (v.shape()[0] == 1) return ir::reshape(v, {});
  Ints dims(static_cast<size_t>(rank), 1);
  dims[static_cast<size_t>(axis_of(axis, rank))] = v.shape()[0];
  return ir::reshape(v, Shape(dims));
}

void refuse_blocks(const Node& n) {
  if (int_of(n, "block_size", 0) != 0)
    fail(ErrorKind::Unsupported, "scales of blocks are not supported");
}

// To the nearest, ties to even; then the zero point (f32), then the dtype's range.
Expr quantise(const Expr& scaled, const Expr& zero, DType dtype) {
  const auto [least, most] = range_of(dtype);
  const Expr shifted = ir::round(scaled) + zero;
  return ir::cast(ir::minimum(ir::maximum(shifted, least), most), dtype);
}

bool all_zero(const Tensor& t) {
  const std::byte* bytes = t.raw();
  return std::all_of(bytes, bytes + t.bytes(), [](std::byte b) { return b == std::byte{0}; });
}

// The zero point of the bytes at i, if there is one, has their dtype.
void check_zero(OnnxImporter& in, const Node& n, int i, int zero) {
  if (!in.has(n, zero)) return;
  const DType found = in.type(n, zero).dtype, expected = in.type(n, i).dtype;
  require(found == expected, "input {}, a zero point: expected {}, found {}", zero,
          name_of(expected), name_of(found));
}

// A zero point as f32, which holds those of up to 16 bits; one that is known is one constant.
Expr zero_along(OnnxImporter& in, const Node& n, int i, int64_t axis, int rank) {
  const std::optional<Tensor> known = in.known(n, i);
  if (!known) return along(ir::cast(in.expr(n, i), DType::f32), axis, rank);
  const Tensor zero = known->cast(DType::f32);
  if (zero.elements() == 1) return in.constant(zero.reshaped({}));
  Ints dims(static_cast<size_t>(rank), 1);
  dims[static_cast<size_t>(axis_of(axis, rank))] = zero.elements();
  return in.constant(zero.reshaped(Shape(dims)));
}

void quantize_linear(OnnxImporter& in, const Node& n) {
  refuse_blocks(n);
  const Expr x = ir::cast(in.expr(n, 0), DType::f32);
  const int64_t axis = int_of(n, "axis", 1);
  const auto to = static_cast<int32_t>(int_of(n, "output_dtype", onnx::TensorProto::UINT8));
  const DType dtype = in.has(n, 2) ? in.type(n, 2).dtype : dtype_from_onnx(to);
  const Expr zero = in.has(n, 2) ? zero_along(in, n, 2, axis, x.rank()) : in.scalar(DType::f32, 0);
  const Expr scale = ir::cast(in.expr(n, 1), DType::f32);
  in.bind(n, quantise(x / along(scale, axis, x.rank()), zero, dtype));
}

// The difference from the zero point, exactly.
Expr centred(const Expr& x, const Expr& zero) {
  const Expr whole = ir::cast(x, DType::i32);
  return zero ? whole - ir::cast(zero, DType::i32) : whole;
}

void dequantize_linear(OnnxImporter& in, const Node& n) {
  refuse_blocks(n);
  check_zero(in, n, 0, 2);
  const Expr x = in.expr(n, 0);
  const int64_t axis = int_of(n, "axis", 1);
  const Expr scale = in.expr(n, 1);
  if (scale.dtype() != DType::f32)
    fail(ErrorKind::Unsupported, "a scale of {} is not supported", name_of(scale.dtype()));
  const std::optional<Tensor> known = in.has(n, 2) ? in.known(n, 2) : std::nullopt;
  const bool is_centred = !in.has(n, 2) || (known && all_zero(*known));
  Expr real = in.unfolded(ir::cast(x, DType::f32));
  if (!is_centred && size_of(x.dtype()) <= 2) real = real - zero_along(in, n, 2, axis, x.rank());
  else if (!is_centred)
    real = ir::cast(centred(x, along(in.expr(n, 2), axis, x.rank())), DType::f32);
  in.bind(n, real * along(scale, axis, x.rank()));
}

// To 8 bits by the tensor's own range, which holds 0.
void dynamic_quantize_linear(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  if (!x.shape().is_static())
    fail(ErrorKind::Unsupported, "the range over a symbolic batch: give its extent");
  Ints axes;
  for (int a = 0; a < x.rank(); ++a) axes.push_back(a);
  const Expr most = ir::relu(max_over(x, axes, false));
  const Expr least = -ir::relu(max_over(-x, axes, false));
  const Expr scale = (most - least) / 255;
  const Expr zero = quantise(-least / scale, in.scalar(DType::f32, 0), DType::u8);
  in.bind(n, quantise(x / scale, ir::cast(zero, DType::f32), DType::u8));
  in.bind(n, 1, scale);
  in.bind(n, 2, zero);
}

// Sums of products of integers up to 255 in f32 chains are exact below 2^24. Longer ones take the
// first operand's high and low four bits apart, and longer yet the second's too.
Expr exact_conv(const Expr& x, const Expr& w, const OnnxWindow& at, int64_t groups) {
  int64_t terms = 1;
  for (int i = 1; i < w.rank(); ++i) terms *= w.shape()[i];
  constexpr int64_t kExact = int64_t{1} << 24;
  const auto product = [&](const Expr& a, const Expr& b) {
    return ir::cast(conv_of(a, b, at, groups), DType::i32);
  };
  const Expr xf = ir::cast(x, DType::f32);
  const Expr wf = ir::cast(w, DType::f32);
  if (terms * 255 * 255 < kExact) return product(xf, wf);
  if (terms * 16 * 16 >= kExact) fail(ErrorKind::Unsupported, "{} products a sum", terms);
  const auto high = [](const Expr& v) { return ir::floor(v * (1.0 / 16)); };
  const Expr xh = high(xf);
  const Expr xl = xf - xh * 16;
  if (terms * 16 * 255 < kExact) {
    const Expr upper = product(xh, wf);
    return upper * 16 + product(xl, wf);
  }
  const Expr wh = high(wf);
  const Expr wl = wf - wh * 16;
  const Expr upper = product(xh, wh);
  const Expr middle = product(xh, wl) + product(xl, wh);
  return upper * 256 + middle * 16 + product(xl, wl);
}

Expr zero_point(OnnxImporter& in, const Node& n, int i, int64_t axis, int rank) {
  return in.has(n, i) ? along(in.expr(n, i), axis, rank) : Expr{};
}

bool is_zero(OnnxImporter& in, const Node& n, int i) {
  if (!in.has(n, i)) return true;
  const std::optional<Tensor> known = in.known(n, i);
  return known && all_zero(*known);
}

Expr ones(OnnxImporter& in, Shape shape) {
  Tensor t(DType::i8, std::move(shape));
  std::fill_n(t.data<int8_t>(), t.elements(), int8_t{1});
  return in.constant(std::move(t));
}

/// A convolution of bytes and what is to be added to it: less x's zero times the weights' sums.
struct ByteConv {
  Expr product;
  Expr shift;  ///< [O], or null
};

// Where the weight has no zero, and padding, if there is some, a zero that is known.
std::optional<ByteConv> conv_bytes(OnnxImporter& in, const Node& n, const Expr& x, const Expr& w,
                                   int x_zero, int w_zero) {
  if (x.rank() > 4 || !is_zero(in, n, w_zero)) return {};
  const OnnxWindow at = window_of(n, x.shape(), kernel_of(n, w.shape()));
  const int64_t groups = int_of(n, "group", 1);
  if (is_zero(in, n, x_zero)) return ByteConv{conv_of(x, w, at, groups), {}};
  const std::optional<Tensor> known = in.known(n, x_zero);
  const auto has = [](int64_t pad) { return pad != 0; };
  const bool pads = std::any_of(at.begin.begin(), at.begin.end(), has) ||
                    std::any_of(at.end.begin(), at.end.end(), has);
  if (pads && !known) return {};
  const int64_t pad_value = known ? known->cast(DType::i64).data<int64_t>()[0] : 0;
  const Expr zero = ir::reshape(ir::cast(in.expr(n, x_zero), DType::i32), {});
  const int64_t channels = w.shape()[0],
                terms = w.shape().elements() / std::max<int64_t>(1, channels);
  const Expr sums = ir::matmul(ir::reshape(w, {channels, terms}), ones(in, {terms, 1}));
  return ByteConv{conv_of(x, w, at, groups, pad_value), -(zero * ir::reshape(sums, {channels}))};
}

/// The operands of a convolution of integers, by their place.
struct ConvPlaces {
  int x, w, x_zero, w_zero;
};

// With a bias [O], which may be null.
Expr conv_integers(OnnxImporter& in, const Node& n, ConvPlaces at, Expr bias) {
  check_zero(in, n, at.x, at.x_zero);
  check_zero(in, n, at.w, at.w_zero);
  const Expr x = in.expr(n, at.x);
  const Expr w = in.expr(n, at.w);
  const bool is_8_bit = size_of(x.dtype()) == 1 && size_of(w.dtype()) == 1;
  if (!is_8_bit || x.rank() < 3 || x.rank() > 5)
    fail(ErrorKind::Unsupported, "only 8 bits of one to three spatial axes are supported");
  Expr sum;
  if (const auto direct = conv_bytes(in, n, x, w, at.x_zero, at.w_zero)) {
    sum = direct->product;
    if (direct->shift) bias = bias ? bias + direct->shift : direct->shift;
  } else {
    sum = exact_conv(centred(x, zero_point(in, n, at.x_zero, 1, x.rank())),
                     centred(w, zero_point(in, n, at.w_zero, 0, w.rank())),
                     window_of(n, x.shape(), kernel_of(n, w.shape())), int_of(n, "group", 1));
  }
  return bias ? sum + per_channel(bias, sum.rank()) : sum;
}

void conv_integer(OnnxImporter& in, const Node& n) {
  in.bind(n, conv_integers(in, n, {0, 1, 2, 3}, {}));
}

// True if the weight is constant and symmetric, and so much else is known that the passes give
// exact integers for the layer as it is between dequantising and quantising; that is also how it is
// saved. Of any other, the integers are spelled out here.
bool is_layer(OnnxImporter& in, const Node& n, int rank) {
  const std::optional<Tensor> w = in.known(n, 3);
  if (!w || w->dtype() != DType::i8 || w->shape().rank() != rank || !is_zero(in, n, 5))
    return false;
  for (int i : {1, 2, 6, 7}) {
    const std::optional<Tensor> t = in.known(n, i);
    if (!t || t->elements() != 1) return false;
  }
  return in.known(n, 4).has_value();
}

// (integers + bias) * (x scale * w scale / y scale), to the nearest, plus the zero point.
void qlinear_conv(OnnxImporter& in, const Node& n) {
  if (is_layer(in, n, 4)) return in.inline_function(n, function_of_bytes(n));
  const Expr sum = conv_integers(in, n, {0, 3, 2, 5}, in.has(n, 8) ? in.expr(n, 8) : Expr{});
  const Expr scale = in.expr(n, 1) * in.expr(n, 4) / in.expr(n, 6);
  in.bind(n, quantise(ir::cast(sum, DType::f32) * along(scale, 1, sum.rank()),
                      zero_along(in, n, 7, 1, sum.rank()), in.type(n, 7).dtype));
}

// One number a row of the first operand, one a column of the second.
Expr by_row(const Expr& v, const Expr& matrix) {
  return v.rank() == 1 ? along(v, matrix.rank() - 2, matrix.rank()) : v;
}
Expr by_column(const Expr& v, const Expr& matrix) {
  return v.rank() == 1 ? along(v, matrix.rank() - 1, matrix.rank()) : v;
}

// The integers of bytes, less those of a's zero, where b has none.
Expr matmul_integers(OnnxImporter& in, const Node& n, int a_at, int b_at, int a_zero, int b_zero) {
  check_zero(in, n, a_at, a_zero);
  check_zero(in, n, b_at, b_zero);
  const Expr a = in.expr(n, a_at);
  const Expr b = in.expr(n, b_at);
  const auto zero = [&](int i, auto&& along) {
    return in.has(n, i) ? along(in.expr(n, i)) : Expr{};
  };
  const Expr of_a = zero(a_zero, [&](const Expr& v) { return by_row(v, a); });
  const bool are_bytes = size_of(a.dtype()) == 1 && size_of(b.dtype()) == 1;
  if (!are_bytes || b.rank() < 2 || a.rank() < 2 || !is_zero(in, n, b_zero))
    return ir::matmul(centred(a, of_a),
                      centred(b, zero(b_zero, [&](const Expr& v) { return by_column(v, b); })));
  const Expr product = ir::matmul(a, b);
  if (is_zero(in, n, a_zero)) return product;
  const Expr sums = ir::matmul(ones(in, {1, b.shape()[b.rank() - 2]}), b);
  return product - ir::cast(of_a, DType::i32) * sums;
}

void matmul_integer(OnnxImporter& in, const Node& n) {
  in.bind(n, matmul_integers(in, n, 0, 1, 2, 3));
}

void qlinear_matmul(OnnxImporter& in, const Node& n) {
  if (is_layer(in, n, 2)) return in.inline_function(n, function_of_bytes(n));
  const Expr a = in.expr(n, 0);
  const Expr b = in.expr(n, 3);
  const Expr sum = matmul_integers(in, n, 0, 3, 2, 5);
  const auto scale_at = [&](int i) { return ir::cast(in.expr(n, i), DType::f32); };
  const Expr scale = by_row(scale_at(1), a) * by_column(scale_at(4), b) / by_column(scale_at(6), b);
  const Expr zero = in.expr(n, 7);
  in.bind(n, quantise(ir::cast(sum, DType::f32) * scale, ir::cast(by_column(zero, b), DType::f32),
                      zero.dtype()));
}

}  // namespace

std::vector<OnnxImportRow> onnx_quant_rows() {
  return {{"QuantizeLinear", quantize_linear},
          {"DequantizeLinear", dequantize_linear},
          {"DynamicQuantizeLinear", dynamic_quantize_linear},
          {"ConvInteger", conv_integer},
          {"QLinearConv", qlinear_conv},
          {"MatMulInteger", matmul_integer},
          {"QLinearMatMul", qlinear_matmul}};
}

}  // namespace hone::io

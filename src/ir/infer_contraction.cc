// Shape rules of matmul, the convolutions and pooling, and their dimensions in one place.
#include <algorithm>

#include "base/dtype.h"
#include "base/error.h"
#include "ir/graph.h"
#include "ir/infer.h"

namespace hone::ir {
namespace {

constexpr Layout kNchw{0, 1, 2, 3, 0, 1, 2, 3};
constexpr Layout kNhwc{0, 3, 1, 2, 0, 1, 2, 3};
constexpr Layout kNhwcHwio{0, 3, 1, 2, 3, 2, 0, 1};

// With an epilogue, the result is what its body makes of the contraction and the further operands.
Inferred with_epilogue(TensorType contraction, Types in, const Attrs& attrs) {
  if (!attrs.has("epilogue")) {
    require(in.size() == 2, "expected 2 operands where there is no epilogue, found {}", in.size());
    return {contraction};
  }
  std::vector<TensorType> operands = {contraction};
  operands.insert(operands.end(), in.begin() + 2, in.end());
  Inferred out = infer_fused(operands, Attrs{{"body", attrs.get<Region>("epilogue")}});
  require(out.size() == 1 && out[0].shape == contraction.shape,
          "epilogue must give one result of shape {}", contraction.shape);
  return out;
}

int64_t windows(int64_t size, int64_t pad, int64_t kernel, int64_t stride, int64_t dilation) {
  const int64_t reach = dilation * (kernel - 1) + 1;
  require(kernel > 0 && stride > 0 && dilation > 0, "window, stride and dilation must be positive");
  require(size + pad >= reach, "window reaches over {} places, the padded input has {}", reach,
          size + pad);
  return (size + pad - reach) / stride + 1;
}

const Ints& ints_of(const Attrs& attrs, std::string_view name, size_t count) {
  const Ints& v = attrs.ints(name);
  require(v.size() == count, "attribute '{}': expected {} integers, found {}", name, count,
          v.size());
  for (int64_t i : v)
    require(i >= 0 && i <= INT32_MAX, "attribute '{}' has a value of {}", name, i);
  return v;
}

Shape image_shape(const Layout& at, int64_t n, int64_t c, int64_t h, int64_t w) {
  Shape out{0, 0, 0, 0};
  out[at.n] = n;
  out[at.c] = c;
  out[at.h] = h;
  out[at.w] = w;
  return out;
}

void require_one_dtype(Types in, std::initializer_list<DType> allowed, std::string_view expected) {
  require(in[0].dtype == in[1].dtype && std::count(allowed.begin(), allowed.end(), in[0].dtype) > 0,
          "expected two {} operands, found {} and {}", expected, in[0], in[1]);
}

// What a forward contraction of the operands gives: integers of 8 bits are summed in i32.
DType sum_dtype(Types in, std::initializer_list<DType> allowed, std::string_view expected) {
  if (is_byte(in[0].dtype) && is_byte(in[1].dtype)) return DType::i32;
  require_one_dtype(in, allowed, expected);
  return in[0].dtype;
}

void require_pad_value(DType x, const Attrs& attrs) {
  const int64_t value = attrs.integer("pad_value");
  const bool holds = x == DType::u8   ? value >= 0 && value <= UINT8_MAX
                     : x == DType::i8 ? value >= INT8_MIN && value <= INT8_MAX
                                      : value == 0;
  require(holds, "attribute 'pad_value': {} does not hold {}", name_of(x), value);
}

}  // namespace

const Layout& layout_of(const Attrs& attrs) {
  const std::string& name = attrs.get<std::string>("layout");
  if (name == "nchw") return kNchw;
  if (name == "nhwc") return kNhwc;
  require(name == "nhwc_hwio", "layout '{}': expected nchw, nhwc or nhwc_hwio", name);
  return kNhwcHwio;
}

MatmulDims matmul_dims(const Shape& a, const Shape& b, const Attrs& attrs) {
  require(a.rank() >= 2 && b.rank() >= 2, "expected two matrices, found {} and {}", a, b);
  const bool ta = attrs.flag("trans_a");
  const bool tb = attrs.flag("trans_b");
  const auto last = [](const Shape& s, int i) { return s[s.rank() - i]; };
  const auto leading = [](const Shape& s) {
    return Shape(std::vector<int64_t>(s.dims().begin(), s.dims().end() - 2));
  };
  require(last(a, ta ? 2 : 1) == last(b, tb ? 1 : 2), "inner dimensions differ: {}{} and {}{}",
          a.to_string(), ta ? " transposed" : "", b.to_string(), tb ? " transposed" : "");
  return {last(a, ta ? 1 : 2), last(a, ta ? 2 : 1),
          last(b, tb ? 2 : 1), broadcast_shapes(leading(a), leading(b)),
          leading(a),          leading(b)};
}

Inferred infer_matmul(Types in, const Attrs& attrs) {
  const auto kDtypes = {DType::f32, DType::f64, DType::i32, DType::i64, DType::u32, DType::u64};
  const bool reads_bytes = in[0].dtype == DType::u8 && in[1].dtype == DType::f32;
  const DType dtype = reads_bytes ? DType::f32 : sum_dtype(in, kDtypes, "f32 or integer");
  require(reads_bytes || !(attrs.has("zero") || attrs.has("scale")),
          "attributes 'zero' and 'scale' are for u8 beside f32, found {} and {}", in[0], in[1]);
  const MatmulDims d = matmul_dims(in[0].shape, in[1].shape, attrs);
  Ints dims = d.leading.dims();
  dims.insert(dims.end(), {d.rows, d.cols});
  return with_epilogue({dtype, Shape(dims)}, in, attrs);
}

ConvDims conv_dims(const Shape& x, const Shape& w, const Attrs& attrs) {
  require(x.rank() == 4 && w.rank() == 4, "expected a 4-D input and a 4-D weight, found {} and {}",
          x, w);
  const Layout& at = layout_of(attrs);
  const Ints& stride = ints_of(attrs, "stride", 2);
  const Ints& pad = ints_of(attrs, "pad", 4);
  const Ints& dilation = ints_of(attrs, "dilation", 2);
  ConvDims d{};
  d.n = x[at.n];
  d.c = x[at.c];
  d.h = x[at.h];
  d.w = x[at.w];
  d.o = w[at.weight_o];
  d.kh = w[at.weight_h];
  d.kw = w[at.weight_w];
  d.stride_h = stride[0];
  d.stride_w = stride[1];
  d.pad_top = pad[0];
  d.pad_left = pad[1];
  d.pad_bottom = pad[2];
  d.pad_right = pad[3];
  d.dilation_h = dilation[0];
  d.dilation_w = dilation[1];
  d.groups = attrs.integer("groups", 1);
  require(d.groups > 0 && d.c % d.groups == 0 && d.o % d.groups == 0,
          "{} groups do not divide {} input and {} output channels", d.groups, d.c, d.o);
  require(w[at.weight_i] * d.groups == d.c,
          "weight has {} input channels in {} groups, input has {}", w[at.weight_i] * d.groups,
          d.groups, d.c);
  d.oh = windows(d.h, d.pad_top + d.pad_bottom, d.kh, d.stride_h, d.dilation_h);
  d.ow = windows(d.w, d.pad_left + d.pad_right, d.kw, d.stride_w, d.dilation_w);
  return d;
}

Inferred infer_conv2d(Types in, const Attrs& attrs) {
  const DType dtype = sum_dtype(in, {DType::f32, DType::f64, DType::i32}, "f32 or i32");
  const ConvDims d = conv_dims(in[0].shape, in[1].shape, attrs);
  require_pad_value(in[0].dtype, attrs);
  return with_epilogue({dtype, image_shape(layout_of(attrs), d.n, d.o, d.oh, d.ow)}, in, attrs);
}

namespace {

/// Inputs along the side of a tile.
int64_t winograd_side(const Attrs& attrs) {
  const int64_t tile = attrs.integer("tile");
  require(tile == 2 || tile == 4, "expected tiles of 2 or 4 outputs, found {}", tile);
  return tile + 2;
}

void require_integer_tiles(const Attrs& attrs) {
  const int64_t tile = attrs.integer("tile");
  require(tile == 2, "expected tiles of 2 outputs of integers, found {}", tile);
}

}  // namespace

Inferred infer_winograd_filter(Types in, const Attrs& attrs) {
  const DType dtype = in[0].dtype;
  const Shape& w = in[0].shape;
  const bool integers = dtype == DType::i8;
  require((dtype == DType::f32 || dtype == DType::f64 || integers) && w.rank() == 4 && w[2] == 3 &&
              w[3] == 3,
          "expected f32 or i8 filters [O,C,3,3], found {}", in[0]);
  const int64_t side = winograd_side(attrs);
  const bool gradient = attrs.flag("gradient");
  if (integers) require_integer_tiles(attrs);
  require(!integers || !gradient, "filters of integers have no gradient");
  return {{integers ? DType::i16 : dtype, {side * side, w[gradient ? 0 : 1], w[gradient ? 1 : 0]}}};
}

ConvDims winograd_dims(const Shape& x, const Shape& filter, const Attrs& attrs) {
  const int64_t side = winograd_side(attrs);
  require(filter.rank() == 3 && filter[0] == side * side, "expected filters at {} points, found {}",
          side * side, filter);
  const Layout& at = layout_of(attrs);
  Shape w{3, 3, 3, 3};
  w[at.weight_i] = filter[1];
  w[at.weight_o] = filter[2];
  Attrs all = attrs;
  all.set("stride", Ints{1, 1});
  all.set("dilation", Ints{1, 1});
  return conv_dims(x, w, all);
}

Inferred infer_winograd_conv2d(Types in, const Attrs& attrs) {
  const bool integers = is_byte(in[0].dtype) && in[1].dtype == DType::i16;
  if (integers) require_integer_tiles(attrs);
  else require_one_dtype(in, {DType::f32, DType::f64}, "f32");
  require_pad_value(in[0].dtype, attrs);
  const ConvDims d = winograd_dims(in[0].shape, in[1].shape, attrs);
  return with_epilogue(
      {integers ? DType::i32 : in[0].dtype, image_shape(layout_of(attrs), d.n, d.o, d.oh, d.ow)},
      in, attrs);
}

namespace {

void require_output_gradient(const Shape& found, const ConvDims& d, const Attrs& attrs) {
  const Shape y = image_shape(layout_of(attrs), d.n, d.o, d.oh, d.ow);
  require(found == y, "expected an output gradient of shape {}, found {}", y, found);
}

}  // namespace

Inferred infer_conv2d_grad_input(Types in, const Attrs& attrs) {
  require_one_dtype(in, {DType::f32, DType::f64}, "f32");
  const Shape x(attrs.ints("shape"));
  const ConvDims d = conv_dims(x, in[1].shape, attrs);
  require_output_gradient(in[0].shape, d, attrs);
  return with_epilogue({in[0].dtype, x}, in, attrs);
}

Inferred infer_conv2d_grad_weight(Types in, const Attrs& attrs) {
  require_one_dtype(in, {DType::f32, DType::f64}, "f32");
  const Shape w(attrs.ints("shape"));
  const ConvDims d = conv_dims(in[0].shape, w, attrs);
  require_output_gradient(in[1].shape, d, attrs);
  return with_epilogue({in[0].dtype, w}, in, attrs);
}

PoolDims pool_dims(const Shape& x, const Attrs& attrs) {
  require(x.rank() == 4, "expected a 4-D input, found {}", x);
  const Layout& at = layout_of(attrs);
  const Ints& window = ints_of(attrs, "window", 2);
  const Ints& stride = ints_of(attrs, "stride", 2);
  const Ints& pad = ints_of(attrs, "pad", 4);
  const Ints dilation = attrs.has("dilation") ? ints_of(attrs, "dilation", 2) : Ints{1, 1};
  PoolDims d{};
  d.n = x[at.n];
  d.c = x[at.c];
  d.h = x[at.h];
  d.w = x[at.w];
  d.kh = window[0];
  d.kw = window[1];
  d.stride_h = stride[0];
  d.stride_w = stride[1];
  d.pad_top = pad[0];
  d.pad_left = pad[1];
  d.dilation_h = dilation[0];
  d.dilation_w = dilation[1];
  d.oh = windows(d.h, pad[0] + pad[2], d.kh, d.stride_h, d.dilation_h);
  d.ow = windows(d.w, pad[1] + pad[3], d.kw, d.stride_w, d.dilation_w);
  return d;
}

Inferred infer_pool2d(Types in, const Attrs& attrs) {
  const bool is_average = attrs.has("count_pad");
  if (is_average || !is_byte(in[0].dtype)) require_float(in[0]);
  const PoolDims d = pool_dims(in[0].shape, attrs);
  return {{in[0].dtype, image_shape(layout_of(attrs), d.n, d.c, d.oh, d.ow)}};
}

}  // namespace hone::ir

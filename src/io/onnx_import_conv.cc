// Import rows of the convolutions. hone convolves images: a signal is an image of height 1, and a
// volume's planes are convolved with the planes that they see as further channels.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_rows.h"
#include "io/onnx_window.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

// Of extents and what multiplies them: beyond any real network, and no product of two overflows.
constexpr int64_t kMost = int64_t{1} << 30;
constexpr int64_t kMostPlanes = 1 << 16;

Shape with_dims(const Shape& shape, int from, const Ints& tail) {
  Ints dims(shape.dims().begin(), shape.dims().begin() + from);
  dims.insert(dims.end(), tail.begin(), tail.end());
  return Shape(dims);
}

// The attributes of the convolution of the last two axes, or of one as an image's rows.
ir::Attrs conv_attrs(const OnnxWindow& w, int64_t groups) {
  const size_t r = w.rank();
  const auto pair = [&](const Ints& v, int64_t missing) {
    return r == 1 ? Ints{missing, v[0]} : Ints{v[r - 2], v[r - 1]};
  };
  const Ints begin = pair(w.begin, 0);
  const Ints end = pair(w.end, 0);
  return {{"stride", pair(w.stride, 1)},
          {"pad", Ints{begin[0], begin[1], end[0], end[1]}},
          {"dilation", pair(w.dilation, 1)},
          {"groups", groups},
          {"layout", std::string("nchw")}};
}

// Inserts an axis of 1 before the last one, or takes it out.
Expr as_image(const Expr& x) {
  const Shape s = x.shape();
  return ir::reshape(x, with_dims(s, s.rank() - 1, {1, s[s.rank() - 1]}));
}
Expr as_signal(const Expr& x) {
  const Shape s = x.shape();
  return ir::reshape(x, with_dims(s, s.rank() - 2, {s[s.rank() - 1]}));
}

// [N,C,D,H,W]: for each place along D, the planes under the window are channels.
Expr conv3d(const Expr& x, const Expr& w, const OnnxWindow& at, int64_t groups) {
  const Expr deep = at.begin[0] + at.end[0] > 0 ? ir::pad(x, 2, at.begin[0], at.end[0]) : x;
  const Shape in = deep.shape();
  const Shape ws = w.shape();
  const int64_t taps = at.kernel[0];
  if (at.outputs[0] > kMostPlanes / taps)
    fail(ErrorKind::Unsupported, "{} planes under windows of {}", at.outputs[0], taps);
  const Expr weight = ir::reshape(w, {ws[0], ws[1] * taps, ws[3], ws[4]});
  std::vector<Expr> planes;
  for (int64_t o = 0; o < at.outputs[0]; ++o) {
    std::vector<Expr> seen;
    for (int64_t t = 0; t < taps; ++t) {
      const int64_t d = o * at.stride[0] + t * at.dilation[0];
      seen.push_back(ir::slice(deep, 2, d, d + 1));
    }
    const Expr stack = ir::reshape(ir::concat(seen, 2), {in[0], in[1] * taps, in[3], in[4]});
    const Expr y = ir::apply(ir::op::conv2d, {stack, weight}, conv_attrs(at, groups));
    planes.push_back(ir::reshape(y, with_dims(y.shape(), 2, {1, y.shape()[2], y.shape()[3]})));
  }
  return planes.size() == 1 ? planes[0] : ir::concat(planes, 2);
}

void check_operands(OnnxImporter& in, const Node& n) {
  const TensorType x = in.type(n, 0);
  const TensorType w = in.type(n, 1);
  require(x.shape.rank() == w.shape.rank(), "the input is {}, the weight {}", x, w);
  if (x.dtype != DType::f32 || w.dtype != DType::f32 || x.shape.rank() < 3 || x.shape.rank() > 5)
    fail(ErrorKind::Unsupported, "only f32 of one to three spatial axes is supported, found {}",
         x.to_string());
}

}  // namespace

ir::Ints kernel_of(const onnx::NodeProto& n, const Shape& weight) {
  Ints kernel(weight.dims().begin() + 2, weight.dims().end());
  require(ints_of(n, "kernel_shape", kernel) == kernel, "kernel_shape differs from the weight {}",
          weight);
  return kernel;
}

ir::Expr conv_of(const ir::Expr& x, const ir::Expr& w, const OnnxWindow& at, int64_t groups,
                 int64_t pad_value) {
  if (at.rank() == 3) return conv3d(x, w, at, groups);
  ir::Attrs attrs = conv_attrs(at, groups);
  if (pad_value != 0) attrs.set("pad_value", pad_value);
  if (at.rank() == 2) return ir::apply(ir::op::conv2d, {x, w}, std::move(attrs));
  return as_signal(ir::apply(ir::op::conv2d, {as_image(x), as_image(w)}, std::move(attrs)));
}

namespace {

void conv(OnnxImporter& in, const Node& n) {
  check_operands(in, n);
  const Expr x = in.expr(n, 0);
  const Expr w = in.expr(n, 1);
  const OnnxWindow at = window_of(n, x.shape(), kernel_of(n, w.shape()));
  Expr y = conv_of(x, w, at, int_of(n, "group", 1));
  if (in.has(n, 2)) y = y + per_channel(in.expr(n, 2), y.rank());
  in.bind(n, y);
}

// The gradient of the convolution that has this one's output as its input. `output_padding` grows
// the output by places that no window covers.
void conv_transpose(OnnxImporter& in, const Node& n) {
  check_operands(in, n);
  Expr x = in.expr(n, 0);
  Expr w = in.expr(n, 1);
  if (x.rank() > 4) fail(ErrorKind::Unsupported, "only one or two spatial axes are supported");
  const bool is_signal = x.rank() == 3;
  const size_t rank = static_cast<size_t>(x.rank()) - 2;
  const int64_t groups = int_of(n, "group", 1);
  OnnxWindow at;
  at.kernel = kernel_of(n, w.shape());
  at.stride = ints_of(n, "strides", Ints(rank, 1));
  at.dilation = ints_of(n, "dilations", Ints(rank, 1));
  const Ints pads = ints_of(n, "pads", Ints(2 * rank, 0));
  const Ints extra = ints_of(n, "output_padding", Ints(rank, 0));
  const Ints wanted = ints_of(n, "output_shape", {});
  const std::string automatic = string_of(n, "auto_pad", "NOTSET");
  require(at.stride.size() == rank && at.dilation.size() == rank && pads.size() == 2 * rank &&
              extra.size() == rank && (wanted.empty() || wanted.size() == rank),
          "strides, dilations, pads, output_padding or output_shape do not fit the input");
  Ints extent;
  for (size_t i = 0; i < rank; ++i) {
    require(at.stride[i] > 0 && at.dilation[i] > 0 && extra[i] >= 0 && at.stride[i] < kMost &&
                at.dilation[i] < kMost && extra[i] < kMost && at.kernel[i] < kMost &&
                x.shape()[static_cast<int>(i) + 2] < kMost,
            "extents, strides, dilations or output_padding are out of range");
    const int64_t full =
        at.stride[i] * (x.shape()[static_cast<int>(i) + 2] - 1) + extra[i] + at.reach(i);
    int64_t begin = pads[i];
    int64_t end = pads[i + rank];
    if (!wanted.empty() || automatic.starts_with("SAME")) {
      const int64_t size =
          wanted.empty() ? x.shape()[static_cast<int>(i) + 2] * at.stride[i] : wanted[i];
      const int64_t all = full - size;
      begin = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      end = all - begin;
    }
    if (begin < 0 || end < 0 || begin >= kMost || end >= kMost)
      fail(ErrorKind::Unsupported, "padding [{}, {}] is not supported", begin, end);
    require(full - begin - end > 0, "the output has no extent along axis {}", i + 2);
    at.begin.push_back(begin);
    at.end.push_back(end);
    extent.push_back(full - begin - end);
  }
  const int64_t channels = w.shape()[1] * groups;
  if (is_signal) {
    x = as_image(x);
    w = as_image(w);
    extent.insert(extent.begin(), 1);
  }
  // What lies beyond the last window is zeros: output padding of a stride or more.
  Ints covered = extent;
  const ir::Attrs attrs = conv_attrs(at, groups);
  const Ints& stride = attrs.ints("stride");
  for (size_t i = 0; i < 2; ++i)
    if (const size_t axis = is_signal ? 0 : i; !is_signal || i == 1)
      if (extra[axis] >= stride[i]) covered[i] -= extra[axis] - (stride[i] - 1);
  ir::Attrs given = attrs;
  given.set("shape", Ints{x.shape()[0], channels, covered[0], covered[1]});
  Expr y = ir::apply(ir::op::conv2d_grad_input, {x, w}, given);
  for (size_t i = 0; i < 2; ++i)
    if (covered[i] < extent[i])
      y = ir::pad(y, static_cast<int64_t>(i) + 2, 0, extent[i] - covered[i]);
  if (is_signal) y = as_signal(y);
  if (in.has(n, 2)) y = y + per_channel(in.expr(n, 2), y.rank());
  in.bind(n, y);
}

}  // namespace

std::vector<OnnxImportRow> onnx_conv_rows() {
  return {{"Conv", conv}, {"ConvTranspose", conv_transpose}};
}

}  // namespace hone::io

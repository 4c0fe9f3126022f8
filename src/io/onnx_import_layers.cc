// Import rows of a network's layers: Gemm, Conv, pools, batch norm. A bias is an add of its own, a
// batch norm the arithmetic that it is at inference.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_importer.h"

namespace hone::io {
namespace {

using ir::Ints;
using ir::ValueId;
using Node = onnx::NodeProto;

// A vector over channels, as it broadcasts over [N,C,H,W].
ValueId per_channel(OnnxImporter& in, const Node& n, int i) {
  const Shape shape = in.type(n, i).shape;
  require(shape.rank() == 1, "input '{}': expected a vector, found {}", n.input(i),
          shape.to_string());
  return in.add(n, ir::op::reshape, {in.value(n, i)}, {{"shape", Ints{shape[0], 1, 1}}});
}

void gemm(OnnxImporter& in, const Node& n) {
  const auto scaled = [&](ValueId x, double by) {
    return by == 1 ? x : in.add(n, ir::op::mul, {x, in.scalar(in.graph().type(x).dtype, by)});
  };
  ir::Attrs attrs;
  if (int_of(n, "transA", 0) != 0) attrs.set("trans_a", int64_t{1});
  if (int_of(n, "transB", 0) != 0) attrs.set("trans_b", int64_t{1});
  ValueId y = in.add(n, ir::op::matmul, {in.value(n, 0), in.value(n, 1)}, std::move(attrs));
  y = scaled(y, float_of(n, "alpha", 1));
  if (in.has(n, 2)) y = in.add(n, ir::op::add, {y, scaled(in.value(n, 2), float_of(n, "beta", 1))});
  in.bind(n, y);
}

void matmul(OnnxImporter& in, const Node& n) {
  for (int i = 0; i < 2; ++i)
    if (in.type(n, i).shape.rank() != 2)
      fail(ErrorKind::Unsupported, "expected two matrices, found {} and {}",
           in.type(n, 0).to_string(), in.type(n, 1).to_string());
  in.bind(n, in.add(n, ir::op::matmul, {in.value(n, 0), in.value(n, 1)}));
}

// What Conv and the pools say alike: where the window goes.
struct Window {
  Ints kernel, stride, pad, dilation;  ///< pad is [top, left, bottom, right]
};

Window window(OnnxImporter& in, const Node& n, Ints kernel) {
  const Shape x = in.type(n, 0).shape;
  if (x.rank() != 4 || kernel.size() != 2)
    fail(ErrorKind::Unsupported, "only images [N,C,H,W] are supported, found {}", x.to_string());
  Window w{std::move(kernel), ints_of(n, "strides", {1, 1}), ints_of(n, "pads", {0, 0, 0, 0}),
           ints_of(n, "dilations", {1, 1})};
  require(w.stride.size() == 2 && w.pad.size() == 4 && w.dilation.size() == 2,
          "strides, pads or dilations do not fit an image");
  require(w.stride[0] > 0 && w.stride[1] > 0, "strides must be positive");
  const std::string automatic = string_of(n, "auto_pad", "NOTSET");
  if (automatic == "NOTSET") return w;
  w.pad = {0, 0, 0, 0};
  if (automatic == "VALID") return w;
  require(automatic == "SAME_UPPER" || automatic == "SAME_LOWER", "auto_pad '{}' is unknown",
          automatic);
  // As many outputs as inputs over the stride; an odd pad goes to the end, or to the beginning.
  for (size_t i = 0; i < 2; ++i) {
    const int64_t extent = x[static_cast<int>(i) + 2];
    const int64_t outputs = (extent + w.stride[i] - 1) / w.stride[i];
    const int64_t reach = (outputs - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1;
    const int64_t all = std::max<int64_t>(0, reach - extent);
    const int64_t less = all / 2;
    w.pad[i] = automatic == "SAME_UPPER" ? less : all - less;
    w.pad[i + 2] = all - w.pad[i];
  }
  return w;
}

void conv(OnnxImporter& in, const Node& n) {
  const Shape weight = in.type(n, 1).shape;
  if (weight.rank() != 4)
    fail(ErrorKind::Unsupported, "only 2-D convolutions are supported, found a weight {}",
         weight.to_string());
  const Ints kernel = {weight[2], weight[3]};
  require(ints_of(n, "kernel_shape", kernel) == kernel, "kernel_shape differs from the weight {}",
          weight.to_string());
  const Window w = window(in, n, kernel);
  ValueId y = in.add(n, ir::op::conv2d, {in.value(n, 0), in.value(n, 1)},
                     {{"stride", w.stride},
                      {"pad", w.pad},
                      {"dilation", w.dilation},
                      {"groups", int_of(n, "group", 1)},
                      {"layout", std::string("nchw")}});
  if (in.has(n, 2)) y = in.add(n, ir::op::add, {y, per_channel(in, n, 2)});
  in.bind(n, y);
}

ir::Attrs pool_attrs(OnnxImporter& in, const Node& n) {
  if (int_of(n, "ceil_mode", 0) != 0) fail(ErrorKind::Unsupported, "ceil_mode is not supported");
  if (n.output_size() > 1) fail(ErrorKind::Unsupported, "indices as an output are not supported");
  const Window w = window(in, n, ints_of(n, "kernel_shape"));
  if (w.dilation != Ints{1, 1}) fail(ErrorKind::Unsupported, "dilations are not supported");
  return {
      {"window", w.kernel}, {"stride", w.stride}, {"pad", w.pad}, {"layout", std::string("nchw")}};
}

void max_pool(OnnxImporter& in, const Node& n) {
  in.bind(n, in.add(n, ir::op::max_pool2d, {in.value(n, 0)}, pool_attrs(in, n)));
}

void average_pool(OnnxImporter& in, const Node& n) {
  ir::Attrs attrs = pool_attrs(in, n);
  attrs.set("count_pad", int_of(n, "count_include_pad", 0));
  in.bind(n, in.add(n, ir::op::avg_pool2d, {in.value(n, 0)}, std::move(attrs)));
}

void global_pool(OnnxImporter& in, const Node& n) {
  const Shape x = in.type(n, 0).shape;
  if (x.rank() != 4)
    fail(ErrorKind::Unsupported, "only images [N,C,H,W] are supported, found {}", x.to_string());
  const bool average = n.op_type() == "GlobalAveragePool";
  ir::Attrs attrs{{"window", Ints{x[2], x[3]}},
                  {"stride", Ints{1, 1}},
                  {"pad", Ints{0, 0, 0, 0}},
                  {"layout", std::string("nchw")}};
  if (average) attrs.set("count_pad", int64_t{0});
  in.bind(n, in.add(n, average ? ir::op::avg_pool2d : ir::op::max_pool2d, {in.value(n, 0)},
                    std::move(attrs)));
}

// (x - mean) / sqrt(variance + epsilon) * scale + bias
void batch_norm(OnnxImporter& in, const Node& n) {
  if (int_of(n, "training_mode", 0) != 0 || n.output_size() > 1)
    fail(ErrorKind::Unsupported, "training_mode is not supported");
  const TensorType x = in.type(n, 0);
  if (x.shape.rank() != 4)
    fail(ErrorKind::Unsupported, "only images [N,C,H,W] are supported, found {}",
         x.shape.to_string());
  const ValueId epsilon = in.scalar(x.dtype, float_of(n, "epsilon", 1e-5F));
  const ValueId deviation =
      in.add(n, ir::op::sqrt, {in.add(n, ir::op::add, {per_channel(in, n, 4), epsilon})});
  ValueId y = in.add(n, ir::op::sub, {in.value(n, 0), per_channel(in, n, 3)});
  y = in.add(n, ir::op::div, {y, deviation});
  y = in.add(n, ir::op::mul, {y, per_channel(in, n, 1)});
  in.bind(n, in.add(n, ir::op::add, {y, per_channel(in, n, 2)}));
}

}  // namespace

std::vector<OnnxImportRow> onnx_layer_rows() {
  return {{"Gemm", gemm},
          {"MatMul", matmul},
          {"Conv", conv},
          {"MaxPool", max_pool},
          {"AveragePool", average_pool},
          {"GlobalAveragePool", global_pool},
          {"GlobalMaxPool", global_pool},
          {"BatchNormalization", batch_norm}};
}

}  // namespace hone::io

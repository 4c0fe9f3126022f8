// The export table: what each op of ops.inc becomes in ONNX.
#include <numeric>

#include "base/error.h"
#include "io/onnx_emitter.h"
#include "ir/infer.h"

namespace hone::io {
namespace {

using ir::Ints;
using ir::Node;

Ints all_but(const Ints& values, int64_t from, int64_t to) {
  Ints out = values;
  for (int64_t& v : out)
    if (v == from) v = to;
  return out;
}

void nothing(OnnxEmitter&, const Node&) {}

// ONNX has the op, with the same operands and nothing else.
void same(OnnxEmitter& e, const Node& n) { e.emit(find_export_row(*n.op)->text, n); }

void constant(OnnxEmitter& e, const Node& n) {
  onnx::NodeProto& node = e.emit("Constant", n);
  onnx::AttributeProto& value = *node.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  *value.mutable_t() = to_proto(n.attrs.get<Tensor>("value"), "");
}

void cast(OnnxEmitter& e, const Node& n) {
  set_int(e.emit("Cast", n), "to", onnx_dtype(dtype_from_name(n.attrs.get<std::string>("dtype"))));
}

// 0 keeps a dimension in both languages; hone's N is ONNX's "whatever remains".
void reshape(OnnxEmitter& e, const Node& n) {
  const std::string shape =
      e.integers(all_but(n.attrs.ints("shape"), kBatch, -1), e.result(n) + ".shape");
  e.emit("Reshape", n, {e.operand(n, 0), shape}, e.result(n));
}

void transpose(OnnxEmitter& e, const Node& n) {
  set_ints(e.emit("Transpose", n), "perm", n.attrs.ints("perm"));
}

// Expand broadcasts both ways, so that a 1 keeps a batch that is there already; one that is not
// has to be read from an input at run time.
void broadcast(OnnxEmitter& e, const Node& n) {
  const Shape& from = e.operand_type(n, 0).shape;
  const Ints& to = n.attrs.ints("shape");
  const std::string base = e.result(n) + ".shape";
  const bool has_batch =
      from.rank() == static_cast<int>(to.size()) && from.rank() > 0 && from[0] == kBatch;
  std::string shape;
  if (to.empty() || to[0] != kBatch || has_batch) {
    shape = e.integers(all_but(to, kBatch, 1), base);
  } else {
    const std::string batch = e.extent(n, e.batch_value(), 0);
    const std::string rest = e.integers(Ints(to.begin() + 1, to.end()), base);
    shape = e.fresh(base);
    set_int(e.emit("Concat", n, {batch, rest}, shape), "axis", 0);
  }
  e.emit("Expand", n, {e.operand(n, 0), shape}, e.result(n));
}

void concat(OnnxEmitter& e, const Node& n) {
  set_int(e.emit("Concat", n), "axis", n.attrs.integer("axis"));
}

void slice(OnnxEmitter& e, const Node& n) {
  const std::string& name = e.result(n);
  const std::string begin = e.integers({n.attrs.integer("begin")}, name + ".begin");
  const std::string end = e.integers({n.attrs.integer("end")}, name + ".end");
  const std::string axis = e.integers({n.attrs.integer("axis")}, name + ".axis");
  e.emit("Slice", n, {e.operand(n, 0), begin, end, axis}, name);
}

void pad(OnnxEmitter& e, const Node& n) {
  const int rank = e.operand_type(n, 0).shape.rank();
  const auto axis = static_cast<size_t>(n.attrs.integer("axis"));
  Ints pads(static_cast<size_t>(2 * rank), 0);
  pads[axis] = n.attrs.integer("before");
  pads[axis + static_cast<size_t>(rank)] = n.attrs.integer("after");
  const std::string amounts = e.integers(pads, e.result(n) + ".pads");
  set_string(e.emit("Pad", n, {e.operand(n, 0), amounts}, e.result(n)), "mode", "constant");
}

// Not OneHot: that counts negative indices from the end, where hone gives zeros.
void one_hot(OnnxEmitter& e, const Node& n) {
  const std::string& name = e.result(n);
  const int rank = e.operand_type(n, 0).shape.rank();
  Ints classes(static_cast<size_t>(n.attrs.integer("depth")));
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = static_cast<int64_t>(i);
  const std::string axis = e.integers({rank}, name + ".axis");
  const std::string column = e.fresh(name + ".column");
  e.emit("Unsqueeze", n, {e.operand(n, 0), axis}, column);
  const std::string all = e.integers(classes, name + ".classes");
  const std::string hit = e.fresh(name + ".hit");
  e.emit("Equal", n, {column, all}, hit);
  set_int(e.emit("Cast", n, {hit}, name), "to", onnx::TensorProto::FLOAT);
}

// An index out of range is an error to ONNX, and gives zeros to hone.
void gather(OnnxEmitter& e, const Node& n) {
  set_int(e.emit("Gather", n), "axis", n.attrs.integer("axis"));
}

void mod(OnnxEmitter& e, const Node& n) { set_int(e.emit("Mod", n), "fmod", 1); }

void dim(OnnxEmitter& e, const Node& n) {
  const std::string extent = e.extent(n, e.operand(n, 0), n.attrs.integer("axis"));
  const std::string scalar = e.fresh(extent);
  const std::string axis = e.integers({0}, e.result(n) + ".axis");
  e.emit("Squeeze", n, {extent, axis}, scalar);
  set_int(e.emit("Cast", n, {scalar}, e.result(n)), "to", onnx::TensorProto::FLOAT);
}

void reduce_sum(OnnxEmitter& e, const Node& n) {
  const std::string axes = e.integers(n.attrs.ints("axes"), e.result(n) + ".axes");
  onnx::NodeProto& node = e.emit("ReduceSum", n, {e.operand(n, 0), axes}, e.result(n));
  set_int(node, "keepdims", n.attrs.flag("keep"));
  set_int(node, "noop_with_empty_axes", 1);
}

// A reduction over the node's axes: from opset 18 on they are an operand, as ReduceSum's were
// before.
onnx::NodeProto& over_axes(OnnxEmitter& e, const Node& n, std::string_view op_type) {
  const Ints& axes = n.attrs.ints("axes");
  if (e.opset() >= 18)
    return e.emit(op_type, n, {e.operand(n, 0), e.integers(axes, e.result(n) + ".axes")},
                  e.result(n));
  onnx::NodeProto& node = e.emit(op_type, n);
  set_ints(node, "axes", axes);
  return node;
}

// ReduceMax and its like.
void reduce(OnnxEmitter& e, const Node& n) {
  // No axes mean all of them to ONNX, and none to hone.
  if (n.attrs.ints("axes").empty()) {
    e.emit("Identity", n);
    return;
  }
  set_int(over_axes(e, n, find_export_row(*n.op)->text), "keepdims", n.attrs.flag("keep"));
}

void cumsum(OnnxEmitter& e, const Node& n) {
  const std::string axis =
      e.constant(Tensor::scalar_i64(n.attrs.integer("axis")), e.result(n) + ".axis");
  onnx::NodeProto& node = e.emit("CumSum", n, {e.operand(n, 0), axis}, e.result(n));
  set_int(node, "exclusive", n.attrs.flag("exclusive"));
  set_int(node, "reverse", n.attrs.flag("reverse"));
}

void topk(OnnxEmitter& e, const Node& n) {
  const std::string k = e.integers({n.attrs.integer("k")}, e.result(n) + ".k");
  onnx::NodeProto& node = e.emit("TopK", n, {e.operand(n, 0), k}, e.result(n));
  node.add_output(e.result(n, 1));
  set_int(node, "axis", n.attrs.integer("axis"));
  set_int(node, "largest", n.attrs.flag("largest"));
}

void argmax(OnnxEmitter& e, const Node& n) {
  onnx::NodeProto& node = e.emit("ArgMax", n);
  set_int(node, "axis", n.attrs.integer("axis"));
  set_int(node, "keepdims", 0);
}

// The mean, and the sum of squared deviations from it.
void moments(OnnxEmitter& e, const Node& n) {
  const std::string& name = e.result(n);
  set_int(over_axes(e, n, "ReduceMean"), "keepdims", 1);
  const std::string deviation = e.fresh(name + ".deviation");
  const std::string square = e.fresh(name + ".square");
  e.emit("Sub", n, {e.operand(n, 0), name}, deviation);
  e.emit("Mul", n, {deviation, deviation}, square);
  const std::string axes = e.integers(n.attrs.ints("axes"), name + ".axes");
  set_int(e.emit("ReduceSum", n, {square, axes}, e.result(n, 1)), "keepdims", 1);
}

void refuse_epilogue(const Node& n) {
  if (n.attrs.has("epilogue"))
    fail(ErrorKind::Unsupported, "{} '{}' has an epilogue: export the graph before fusion",
         n.op->name, n.name);
}

// The operand with its last two axes exchanged.
std::string transposed(OnnxEmitter& e, const Node& n, size_t operand) {
  Ints perm(static_cast<size_t>(e.operand_type(n, operand).shape.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  std::swap(perm.back(), perm[perm.size() - 2]);
  std::string name = e.fresh(e.result(n) + ".transposed");
  set_ints(e.emit("Transpose", n, {e.operand(n, operand)}, name), "perm", perm);
  return name;
}

void matmul(OnnxEmitter& e, const Node& n) {
  refuse_epilogue(n);
  const bool bytes = size_of(e.operand_type(n, 0).dtype) == 1;
  if (bytes && size_of(e.operand_type(n, 1).dtype) != 1)
    fail(ErrorKind::Unsupported, "matmul '{}' reads bytes as numbers: export the graph before that",
         n.name);
  if (bytes || e.operand_type(n, 0).shape.rank() > 2 || e.operand_type(n, 1).shape.rank() > 2) {
    std::vector<std::string> operands = e.operands(n);
    if (n.attrs.flag("trans_a")) operands[0] = transposed(e, n, 0);
    if (n.attrs.flag("trans_b")) operands[1] = transposed(e, n, 1);
    e.emit(bytes ? "MatMulInteger" : "MatMul", n, operands, e.result(n));
    return;
  }
  onnx::NodeProto& node = e.emit("Gemm", n);
  if (n.attrs.flag("trans_a")) set_int(node, "transA", 1);
  if (n.attrs.flag("trans_b")) set_int(node, "transB", 1);
}

void require_nchw(const Node& n) {
  if (n.attrs.get<std::string>("layout") != "nchw")
    fail(ErrorKind::Unsupported, "{} '{}' is not nchw: export the graph before the layout pass",
         n.op->name, n.name);
}

// The image with its padding, which holds a value.
std::string padded(OnnxEmitter& e, const Node& n, const Ints& pad, int64_t value) {
  const DType dtype = e.operand_type(n, 0).dtype;
  const Tensor number = Tensor::from<int64_t>({}, {value}).cast(dtype);
  const std::vector<std::string> inputs = {
      e.operands(n)[0],
      e.integers({0, 0, pad[0], pad[1], 0, 0, pad[2], pad[3]}, e.result(n) + ".pads"),
      e.constant(number, e.result(n) + ".value")};
  std::string name = e.fresh(e.result(n) + ".padded");
  e.emit("Pad", n, inputs, name);
  return name;
}

void conv2d(OnnxEmitter& e, const Node& n) {
  refuse_epilogue(n);
  require_nchw(n);
  const bool bytes = size_of(e.operand_type(n, 0).dtype) == 1;
  std::vector<std::string> operands = e.operands(n);
  Ints pads = n.attrs.ints("pad");
  if (const int64_t value = n.attrs.integer("pad_value"); value != 0) {
    operands[0] = padded(e, n, pads, value);
    pads = {0, 0, 0, 0};
  }
  onnx::NodeProto& node = e.emit(bytes ? "ConvInteger" : "Conv", n, operands, e.result(n));
  const Shape& weight = e.operand_type(n, 1).shape;
  set_ints(node, "kernel_shape", {weight[2], weight[3]});
  set_ints(node, "strides", n.attrs.ints("stride"));
  set_ints(node, "pads", pads);
  set_ints(node, "dilations", n.attrs.ints("dilation"));
  set_int(node, "group", n.attrs.integer("groups", 1));
}

// The transposed convolution. What the convolution's stride left over of its input is added.
void conv2d_grad_input(OnnxEmitter& e, const Node& n) {
  refuse_epilogue(n);
  require_nchw(n);
  const Shape x(n.attrs.ints("shape"));
  const Shape& weight = e.operand_type(n, 1).shape;
  const ir::ConvDims d = ir::conv_dims(x, weight, n.attrs);
  onnx::NodeProto& node = e.emit("ConvTranspose", n);
  set_ints(node, "kernel_shape", {d.kh, d.kw});
  set_ints(node, "strides", n.attrs.ints("stride"));
  set_ints(node, "pads", n.attrs.ints("pad"));
  set_ints(node, "dilations", n.attrs.ints("dilation"));
  set_int(node, "group", d.groups);
  const auto left_over = [](int64_t size, int64_t pad, int64_t reach, int64_t stride) {
    return (size + pad - reach) % stride;
  };
  set_ints(node, "output_padding",
           {left_over(d.h, d.pad_top + d.pad_bottom, d.dilation_h * (d.kh - 1) + 1, d.stride_h),
            left_over(d.w, d.pad_left + d.pad_right, d.dilation_w * (d.kw - 1) + 1, d.stride_w)});
}

onnx::NodeProto& pool(OnnxEmitter& e, const Node& n, std::string_view op_type) {
  require_nchw(n);
  onnx::NodeProto& node = e.emit(op_type, n);
  set_ints(node, "kernel_shape", n.attrs.ints("window"));
  set_ints(node, "strides", n.attrs.ints("stride"));
  set_ints(node, "pads", n.attrs.ints("pad"));
  if (n.attrs.has("dilation")) set_ints(node, "dilations", n.attrs.ints("dilation"));
  return node;
}
void max_pool2d(OnnxEmitter& e, const Node& n) { pool(e, n, "MaxPool"); }
void avg_pool2d(OnnxEmitter& e, const Node& n) {
  if (n.attrs.has("dilation") && e.opset() < 19)
    fail(ErrorKind::Unsupported, "{} '{}' has a dilation, which ONNX has from opset 19 only",
         n.op->name, n.name);
  set_int(pool(e, n, "AveragePool"), "count_include_pad", n.attrs.flag("count_pad"));
}

constexpr std::string_view kPrepared = "export the graph before transforms are chosen";
constexpr std::string_view kTraining = "it belongs to training";

constexpr OnnxExportRow kRows[] = {
    // Inputs and states are declared before the nodes.
    {&ir::op::input, nothing, ""},
    {&ir::op::state, nothing, ""},
    {&ir::op::constant, constant, "Constant"},
    {&ir::op::neg, same, "Neg"},
    {&ir::op::abs, same, "Abs"},
    {&ir::op::exp, same, "Exp"},
    {&ir::op::log, same, "Log"},
    {&ir::op::sqrt, same, "Sqrt"},
    {&ir::op::tanh, same, "Tanh"},
    {&ir::op::sigmoid, same, "Sigmoid"},
    {&ir::op::erf, same, "Erf"},
    {&ir::op::cos, same, "Cos"},
    {&ir::op::sin, same, "Sin"},
    {&ir::op::atan, same, "Atan"},
    {&ir::op::floor, same, "Floor"},
    {&ir::op::round, same, "Round"},
    {&ir::op::relu, same, "Relu"},
    {&ir::op::add, same, "Add"},
    {&ir::op::sub, same, "Sub"},
    {&ir::op::mul, same, "Mul"},
    {&ir::op::div, same, "Div"},
    {&ir::op::max, same, "Max"},
    {&ir::op::min, same, "Min"},
    {&ir::op::pow, same, "Pow"},
    {&ir::op::mod, mod, "Mod"},
    {&ir::op::equal, same, "Equal"},
    {&ir::op::greater, same, "Greater"},
    {&ir::op::select, same, "Where"},
    {&ir::op::cast, cast, "Cast"},
    {&ir::op::reshape, reshape, "Reshape"},
    {&ir::op::transpose, transpose, "Transpose"},
    {&ir::op::broadcast, broadcast, "Expand"},
    {&ir::op::concat, concat, "Concat"},
    {&ir::op::slice, slice, "Slice"},
    {&ir::op::pad, pad, "Pad"},
    {&ir::op::one_hot, one_hot, "Equal"},
    {&ir::op::gather, gather, "Gather"},
    {&ir::op::dim, dim, "Shape"},
    {&ir::op::reduce_sum, reduce_sum, "ReduceSum"},
    {&ir::op::reduce_max, reduce, "ReduceMax"},
    {&ir::op::reduce_prod, reduce, "ReduceProd"},
    {&ir::op::cumsum, cumsum, "CumSum"},
    {&ir::op::topk, topk, "TopK"},
    {&ir::op::argmax, argmax, "ArgMax"},
    {&ir::op::moments, moments, "ReduceMean"},
    {&ir::op::matmul, matmul, "Gemm"},
    {&ir::op::conv2d, conv2d, "Conv"},
    {&ir::op::conv2d_grad_input, conv2d_grad_input, "ConvTranspose"},
    {&ir::op::max_pool2d, max_pool2d, "MaxPool"},
    {&ir::op::avg_pool2d, avg_pool2d, "AveragePool"},
    {&ir::op::fused, nullptr, "export the graph before fusion"},
    {&ir::op::unpack, nullptr, "export the graph before its weights are packed"},
    {&ir::op::winograd_filter, nullptr, kPrepared},
    {&ir::op::winograd_conv2d, nullptr, kPrepared},
    {&ir::op::conv2d_grad_weight, nullptr, kTraining},
    {&ir::op::scatter_add, nullptr, kTraining},
    {&ir::op::max_pool2d_grad, nullptr, kTraining},
    {&ir::op::avg_pool2d_grad, nullptr, kTraining},
    {&ir::op::random_uniform, nullptr, kTraining},
};

}  // namespace

const OnnxExportRow* find_export_row(const ir::OpSpec& op) {
  for (const OnnxExportRow& row : kRows)
    if (row.op == &op) return &row;
  return nullptr;
}

}  // namespace hone::io

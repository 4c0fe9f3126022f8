// Ops on bytes that stand for real numbers, as functions of ONNX's ops: dequantise, compute,
// quantise. Most are ONNX Runtime's own, whose quantiser writes them (the QOperator format); what
// is read is the graph that a QDQ file gives.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_importer.h"

namespace hone::io {
namespace {

constexpr const char* kDomain = "com.microsoft";
constexpr const char* kReal = "real";  // what the inner op gives
constexpr const char* kResult = "y";
constexpr int64_t kOpset = 17;  // that the functions are written in

/// A function's body. The call's inputs are named by their places.
class Body {
 public:
  explicit Body(const onnx::NodeProto& call) : call_(call) {
    if (int_of(call, "channels_last", 0) != 0)
      fail(ErrorKind::Unsupported, "channels_last is not supported");
    for (int i = 0; i < call.input_size(); ++i) function_.add_input(std::to_string(i));
    function_.add_output(kResult);
    function_.add_opset_import()->set_version(int_of(call, "opset", kOpset));
  }

  int inputs() const { return call_.input_size(); }
  bool has(int i) const { return i < inputs() && !call_.input(i).empty(); }
  std::string input(int i) const { return has(i) ? std::to_string(i) : ""; }
  int64_t attribute(std::string_view name) const { return int_of(call_, name, 0); }

  onnx::NodeProto& node(std::string_view op_type, const std::vector<std::string>& inputs,
                        const std::string& output) {
    onnx::NodeProto& n = *function_.add_node();
    n.set_name(std::string(op_type));
    n.set_op_type(std::string(op_type));
    for (const std::string& name : inputs) n.add_input(name);
    n.add_output(output);
    return n;
  }
  /// The op that the call stands for, with the call's attributes.
  onnx::NodeProto& inner(std::string_view op_type, const std::vector<std::string>& inputs,
                         const std::string& output = kReal) {
    onnx::NodeProto& n = node(op_type, inputs, output);
    *n.mutable_attribute() = call_.attribute();
    return n;
  }
  /// The real numbers of a value, whose scale and zero point are the inputs after it.
  std::string dequantised(int i, int64_t axis = 1) {
    std::string real = "real " + std::to_string(i);
    set_int(node("DequantizeLinear", {input(i), input(i + 1), input(i + 2)}, real), "axis", axis);
    return real;
  }
  /// The result: what the inner op gives, as bytes of the scale and the zero point after it.
  void quantise(int scale) {
    if (!has(scale + 1)) fail(ErrorKind::Unsupported, "the result has no zero point");
    node("QuantizeLinear", {kReal, input(scale), input(scale + 1)}, kResult);
  }

  onnx::FunctionProto function() && { return std::move(function_); }

 private:
  const onnx::NodeProto& call_;
  onnx::FunctionProto function_;
};

struct OpOnBytes {
  std::string_view op_type;
  std::string_view inner;  ///< the op of ONNX that it stands for
  void (*write)(Body&, std::string_view inner);
};

void require_inputs(const Body& body, int expected) {
  require(body.inputs() == expected, "expected {} inputs, found {}", expected, body.inputs());
}

// Inputs: some as they are, some bytes with scale and zero point, then those of the result.
template <int Plain, int Bytes>
void on_bytes(Body& body, std::string_view inner) {
  constexpr int kScale = Plain + 3 * Bytes;
  require_inputs(body, kScale + 2);
  std::vector<std::string> operands;
  operands.reserve(Plain + Bytes);
  for (int i = 0; i < Plain; ++i) operands.push_back(body.input(i));
  for (int i = Plain; i < kScale; i += 3) operands.push_back(body.dequantised(i));
  body.inner(inner, operands);
  body.quantise(kScale);
}

void softmax(Body& body, std::string_view inner) {
  require_inputs(body, 5);
  onnx::NodeProto& n = body.inner(inner, {body.dequantised(0)});
  if (find_attribute(n, "axis") == nullptr) set_int(n, "axis", -1);  // whatever the opset
  body.quantise(3);
}

// Adds what integers from input `i` on stand for, if they are there, in the scale of sums of
// products.
void add_bias(Body& body, int i, int64_t axis, std::vector<std::string>& operands) {
  if (!body.has(i)) return;
  body.node("Mul", {body.input(1), body.input(4)}, "sums' scale");
  set_int(body.node("DequantizeLinear", {body.input(i), "sums' scale"}, "bias"), "axis", axis);
  operands.emplace_back("bias");
}

// Inputs: x and the weight as bytes, the result's scale and zero point, integers to add or none.
void conv(Body& body, std::string_view inner) {
  require(body.inputs() == 8 || body.inputs() == 9, "expected 8 or 9 inputs, found {}",
          body.inputs());
  std::vector<std::string> operands = {body.dequantised(0), body.dequantised(3, 0)};
  add_bias(body, 8, 0, operands);
  body.inner(inner, operands);
  body.quantise(6);
}

// Inputs: the result's scale and zero point, any number of bytes with theirs.
void concat(Body& body, std::string_view inner) {
  require(body.inputs() >= 5 && body.inputs() % 3 == 2,
          "expected 2 inputs and 3 for each part, found {}", body.inputs());
  std::vector<std::string> parts;
  for (int i = 2; i < body.inputs(); i += 3) parts.push_back(body.dequantised(i));
  body.inner(inner, parts);
  body.quantise(0);
}

// Inputs: a and b as bytes; integers to add to the sums, or none; the result's scale and zero
// point, or none where it is real.
void gemm(Body& body, std::string_view inner) {
  require(body.inputs() >= 6 && body.inputs() <= 9, "expected 6 to 9 inputs, found {}",
          body.inputs());
  std::vector<std::string> operands = {body.dequantised(0),
                                       body.dequantised(3, body.attribute("transB") != 0 ? 0 : 1)};
  add_bias(body, 6, -1, operands);
  onnx::NodeProto& n = body.inner(inner, operands, body.has(7) ? kReal : kResult);
  set_float(n, "beta", float_of(n, "alpha", 1));
  if (body.has(7)) body.quantise(7);
}

// ONNX's ops before they took as many dtypes.
void the_same(Body& body, std::string_view inner) {
  std::vector<std::string> operands;
  operands.reserve(static_cast<size_t>(body.inputs()));
  for (int i = 0; i < body.inputs(); ++i) operands.push_back(body.input(i));
  body.inner(inner, operands, kResult);
}

constexpr OpOnBytes kOps[] = {{"QLinearConv", "Conv", conv},
                              {"QLinearMatMul", "MatMul", on_bytes<0, 2>},
                              {"QLinearAdd", "Add", on_bytes<0, 2>},
                              {"QLinearMul", "Mul", on_bytes<0, 2>},
                              {"QLinearWhere", "Where", on_bytes<1, 2>},
                              {"QLinearSigmoid", "Sigmoid", on_bytes<0, 1>},
                              {"QLinearLeakyRelu", "LeakyRelu", on_bytes<0, 1>},
                              {"QLinearAveragePool", "AveragePool", on_bytes<0, 1>},
                              {"QLinearGlobalAveragePool", "GlobalAveragePool", on_bytes<0, 1>},
                              {"QLinearReduceMean", "ReduceMean", on_bytes<0, 1>},
                              {"QLinearSoftmax", "Softmax", softmax},
                              {"QLinearConcat", "Concat", concat},
                              {"QGemm", "Gemm", gemm},
                              {"QuantizeLinear", "QuantizeLinear", the_same},
                              {"DequantizeLinear", "DequantizeLinear", the_same}};

const OpOnBytes* find(const onnx::NodeProto& node) {
  const auto* at = std::find_if(std::begin(kOps), std::end(kOps),
                                [&](const OpOnBytes& op) { return op.op_type == node.op_type(); });
  return at == std::end(kOps) ? nullptr : at;
}

}  // namespace

bool is_contrib_op(const onnx::NodeProto& node) {
  return node.domain() == kDomain && find(node) != nullptr;
}

onnx::FunctionProto function_of_bytes(const onnx::NodeProto& call) {
  const OpOnBytes* op = find(call);
  invariant(op != nullptr, "no function of '{}'", call.op_type());
  Body body(call);
  op->write(body, op->inner);
  return std::move(body).function();
}

}  // namespace hone::io

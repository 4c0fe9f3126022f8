// Import rows of the ops that compute each element from the elements at its place.
#include <cmath>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {

ir::Expr second_operand(OnnxImporter& in, const onnx::NodeProto& n) {
  const ir::Expr b = in.expr(n, 1);
  if (in.opset() >= 7 || find_attribute(n, "axis") == nullptr) return b;
  const int rank = in.expr(n, 0).rank();
  const int64_t axis = axis_of(int_of(n, "axis", 0), rank);
  std::vector<int64_t> dims = b.shape().dims();
  while (static_cast<int64_t>(dims.size()) + axis < rank) dims.push_back(1);
  return ir::reshape(b, Shape(dims));
}

namespace {

using ir::Expr;
using Node = onnx::NodeProto;

template <const ir::OpSpec& Op>
void unary(OnnxImporter& in, const Node& n) {
  in.bind(n, ir::apply(Op, {in.expr(n, 0)}));
}

template <const ir::OpSpec& Op>
void binary(OnnxImporter& in, const Node& n) {
  in.bind(n, ir::apply(Op, {in.expr(n, 0), second_operand(in, n)}));
}

// Max, Min and Sum take any number of inputs.
template <const ir::OpSpec& Op>
Expr all_inputs(OnnxImporter& in, const Node& n) {
  Expr all = in.expr(n, 0);
  for (int i = 1; i < n.input_size(); ++i) all = ir::apply(Op, {all, in.expr(n, i)});
  return all;
}
template <const ir::OpSpec& Op>
void variadic(OnnxImporter& in, const Node& n) {
  in.bind(n, all_inputs<Op>(in, n));
}
void mean(OnnxImporter& in, const Node& n) {
  in.bind(n, all_inputs<ir::op::add>(in, n) / n.input_size());
}

// The limits are attributes before opset 11 and inputs after.
void clip(OnnxImporter& in, const Node& n) {
  Expr x = in.expr(n, 0);
  const auto limit = [&](int i, std::string_view name) {
    if (in.has(n, i)) return in.expr(n, i);
    return find_attribute(n, name) == nullptr ? Expr{} : in.scalar(x.dtype(), float_of(n, name, 0));
  };
  if (const Expr low = limit(1, "min")) x = ir::maximum(x, low);
  if (const Expr high = limit(2, "max")) x = ir::minimum(x, high);
  in.bind(n, x);
}

// A shape that is cast stays shape data; the batch itself, as a float, is hone's `dim`.
void cast_to(OnnxImporter& in, const Node& n, DType to) {
  const OnnxValue& from = in.input(n, 0);
  if (from.batch_of == ir::kNoValue) {
    in.bind(n, ir::apply(ir::op::cast, {in.expr(n, 0)}, {{"dtype", std::string(name_of(to))}}));
  } else if (to == DType::i64 || to == DType::i32) {
    in.bind(n, from);
  } else if (to == DType::f32 && from.is_scalar) {
    in.bind(n, ir::apply(ir::op::dim, {Expr{&in.graph(), from.batch_of}}, {{"axis", int64_t{0}}}));
  } else {
    fail(ErrorKind::Unsupported, "a shape that holds the batch cannot be cast to {}", name_of(to));
  }
}
void cast(OnnxImporter& in, const Node& n) {
  cast_to(in, n, dtype_from_onnx(static_cast<int32_t>(int_of(n, "to", 0))));
}
void cast_like(OnnxImporter& in, const Node& n) { cast_to(in, n, in.type(n, 1).dtype); }

void reciprocal(OnnxImporter& in, const Node& n) { in.bind(n, 1 / in.expr(n, 0)); }

// Activations. `a` and `b` stand for alpha, and beta or gamma.
Expr leaky(const Expr& x, const Expr& slope) { return ir::select(ir::greater(x, 0), x, x * slope); }
void leaky_relu(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, ir::select(ir::greater(x, 0), x, x * float_of(n, "alpha", 0.01F)));
}
// Before opset 7 a slope is one a channel.
void prelu(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  Expr slope = in.expr(n, 1);
  if (in.opset() < 7 && slope.rank() == 1 && x.rank() > 2 && slope.shape()[0] > 1) {
    std::vector<int64_t> dims(static_cast<size_t>(x.rank()) - 1, 1);
    dims[0] = slope.shape()[0];
    slope = ir::reshape(slope, Shape(dims));
  }
  in.bind(n, leaky(x, slope));
}
// x where it is positive, else a (exp(min(x, 0) / b) - 1).
Expr elu_of(const Expr& x, double a, double b = 1) {
  const Expr below = ir::minimum(x, 0);
  return ir::select(ir::greater(x, 0), x, (ir::exp(b == 1 ? below : below / b) - 1) * a);
}
void elu(OnnxImporter& in, const Node& n) {
  in.bind(n, elu_of(in.expr(n, 0), float_of(n, "alpha", 1)));
}
void celu(OnnxImporter& in, const Node& n) {
  const double a = float_of(n, "alpha", 1);
  in.bind(n, elu_of(in.expr(n, 0), a, a));
}
void selu(OnnxImporter& in, const Node& n) {
  in.bind(n, elu_of(in.expr(n, 0), float_of(n, "alpha", 1.67326319217681884765625)) *
                 float_of(n, "gamma", 1.05070102214813232421875));
}
Expr hard_sigmoid_of(const Expr& x, double a, double b) {
  return ir::minimum(ir::maximum(x * a + b, 0), 1);
}
void hard_sigmoid(OnnxImporter& in, const Node& n) {
  in.bind(n, hard_sigmoid_of(in.expr(n, 0), float_of(n, "alpha", 0.2F), float_of(n, "beta", 0.5F)));
}
void hard_swish(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, x * hard_sigmoid_of(x, 1.0 / 6, 0.5));
}
// log(1 + exp(x)), which overflows nowhere: max(x, 0) + log(1 + exp(-|x|)).
Expr softplus_of(const Expr& x) { return ir::relu(x) + ir::log(ir::exp(-ir::abs(x)) + 1); }
void softplus(OnnxImporter& in, const Node& n) { in.bind(n, softplus_of(in.expr(n, 0))); }
void softsign(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, x / (ir::abs(x) + 1));
}
void mish(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, x * ir::tanh(softplus_of(x)));
}
void gelu(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const std::string how = string_of(n, "approximate", "none");
  require(how == "none" || how == "tanh", "approximate '{}' is unknown", how);
  const Expr inner = how == "none" ? ir::erf(x * std::sqrt(0.5))
                                   : ir::tanh((x + x * x * x * 0.044715) * std::sqrt(2 / M_PI));
  in.bind(n, x * 0.5 * (inner + 1));
}
void thresholded_relu(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, ir::select(ir::greater(x, float_of(n, "alpha", 1)), x, in.scalar(x.dtype(), 0)));
}
// Towards 0 by the bias outside of [-lambd, lambd], 0 within.
void shrink(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const double limit = float_of(n, "lambd", 0.5);
  const double bias = float_of(n, "bias", 0);
  const Expr zero = in.scalar(x.dtype(), 0);
  in.bind(n, ir::select(ir::greater(-limit, x), x + bias,
                        ir::select(ir::greater(x, limit), x - bias, zero)));
}

}  // namespace

std::vector<OnnxImportRow> onnx_elementwise_rows() {
  namespace op = ir::op;
  return {{"Neg", unary<op::neg>},
          {"Abs", unary<op::abs>},
          {"Exp", unary<op::exp>},
          {"Log", unary<op::log>},
          {"Sqrt", unary<op::sqrt>},
          {"Tanh", unary<op::tanh>},
          {"Sigmoid", unary<op::sigmoid>},
          {"Erf", unary<op::erf>},
          {"Cos", unary<op::cos>},
          {"Sin", unary<op::sin>},
          {"Atan", unary<op::atan>},
          {"Floor", unary<op::floor>},
          {"Round", unary<op::round>},
          {"Relu", unary<op::relu>},
          {"Reciprocal", reciprocal},
          {"Add", binary<op::add>},
          {"Sub", binary<op::sub>},
          {"Mul", binary<op::mul>},
          {"Div", binary<op::div>},
          {"Equal", binary<op::equal>},
          {"Greater", binary<op::greater>},
          {"Max", variadic<op::max>},
          {"Min", variadic<op::min>},
          {"Sum", variadic<op::add>},
          {"Mean", mean},
          {"Clip", clip},
          {"Cast", cast},
          {"CastLike", cast_like},
          {"LeakyRelu", leaky_relu},
          {"PRelu", prelu},
          {"Elu", elu},
          {"Celu", celu},
          {"Selu", selu},
          {"HardSigmoid", hard_sigmoid},
          {"HardSwish", hard_swish},
          {"Softplus", softplus},
          {"Softsign", softsign},
          {"Mish", mish},
          {"Gelu", gelu},
          {"ThresholdedRelu", thresholded_relu},
          {"Shrink", shrink}};
}

}  // namespace hone::io

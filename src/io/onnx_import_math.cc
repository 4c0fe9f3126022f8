// Import rows of powers, remainders, shifts, rounding and the functions of angles.
#include "base/dtype.h"
#include "base/error.h"
#include "io/onnx_rows.h"
#include "ir/expr_math.h"

namespace hone::io {
namespace {

using ir::Expr;
using Node = onnx::NodeProto;

template <Expr (*F)(Expr)>
void unary(OnnxImporter& in, const Node& n) {
  in.bind(n, F(in.expr(n, 0)));
}

bool is_real(const Expr& x) {
  return x.dtype() == DType::f32 || x.dtype() == DType::f64 || x.dtype() == DType::f16 ||
         x.dtype() == DType::bf16;
}

// The result has the base's dtype, whatever the exponent's is.
void pow(OnnxImporter& in, const Node& n) {
  const Expr base = in.expr(n, 0);
  const Expr exponent = second_operand(in, n);
  const DType computed = is_real(exponent) && !is_real(base) ? exponent.dtype() : base.dtype();
  in.bind(n,
          ir::cast(ir::pow(ir::cast(base, computed), ir::cast(exponent, computed)), base.dtype()));
}

// Of truncated division with fmod, else with the sign of the divisor.
void mod(OnnxImporter& in, const Node& n) {
  const Expr a = in.expr(n, 0);
  const Expr b = in.expr(n, 1);
  if (int_of(n, "fmod", 0) != 0) return in.bind(n, ir::mod(a, b));
  if (is_real(a)) fail(ErrorKind::Unsupported, "{} needs fmod", name_of(a.dtype()));
  in.bind(n, ir::floor_mod(a, b));
}

template <Expr (*F)(Expr, Expr)>
void shift(OnnxImporter& in, const Node& n) {
  in.bind(n, F(in.expr(n, 0), in.expr(n, 1)));
}

void bit_shift(OnnxImporter& in, const Node& n) {
  const std::string way = string_of(n, "direction", "");
  require(way == "LEFT" || way == "RIGHT", "direction '{}': expected LEFT or RIGHT", way);
  (way == "LEFT" ? shift<ir::shift_left> : shift<ir::shift_right>)(in, n);
}

}  // namespace

std::vector<OnnxImportRow> onnx_math_rows() {
  return {{"Pow", pow},
          {"Mod", mod},
          {"BitShift", bit_shift},
          {"Ceil", unary<ir::ceil>},
          {"Sign", unary<ir::sign>},
          {"Tan", unary<ir::tan>},
          {"Sinh", unary<ir::sinh>},
          {"Cosh", unary<ir::cosh>},
          {"Asin", unary<ir::asin>},
          {"Acos", unary<ir::acos>},
          {"Asinh", unary<ir::asinh>},
          {"Acosh", unary<ir::acosh>},
          {"Atanh", unary<ir::atanh>}};
}

}  // namespace hone::io

// Import rows of powers, remainders, rounding and the functions of angles.
#include <cmath>

#include "base/dtype.h"
#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using Node = onnx::NodeProto;

template <Expr (*F)(const Expr&)>
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
  const Expr rest = ir::mod(a, b);
  if (int_of(n, "fmod", 0) != 0) return in.bind(n, rest);
  if (is_real(a)) fail(ErrorKind::Unsupported, "{} needs fmod", name_of(a.dtype()));
  const Expr zero = in.scalar(a.dtype(), 0);
  // The two signs differ where exactly one of them is below 0.
  const Expr below = ir::greater(zero, rest);
  const Expr differs = ir::equal(ir::equal(below, ir::greater(zero, b)), ir::equal(zero, zero));
  const Expr keeps = ir::select(ir::equal(rest, zero), ir::equal(zero, zero), differs);
  in.bind(n, ir::select(keeps, rest, rest + b));
}

Expr ceil(const Expr& x) { return -ir::floor(-x); }
// 0 and NaN are their own signs.
Expr sign(const Expr& x) {
  const Expr one = ir::scalar_like(x, 1);
  const Expr below = ir::select(ir::greater(0, x), -one, x);
  return ir::select(ir::greater(x, 0), one, below);
}
Expr tan(const Expr& x) { return ir::sin(x) / ir::cos(x); }
Expr sinh(const Expr& x) { return (ir::exp(x) - ir::exp(-x)) * 0.5; }
Expr cosh(const Expr& x) { return (ir::exp(x) + ir::exp(-x)) * 0.5; }
Expr asin(const Expr& x) { return ir::atan(x / ir::sqrt((1 - x) * (x + 1))); }
Expr acos(const Expr& x) { return M_PI / 2 - asin(x); }
// The sign of x is taken apart, so that no digits cancel.
Expr asinh(const Expr& x) {
  const Expr size = ir::abs(x);
  return sign(x) * ir::log(size + ir::sqrt(size * size + 1));
}
Expr acosh(const Expr& x) { return ir::log(x + ir::sqrt((x - 1) * (x + 1))); }
Expr atanh(const Expr& x) { return ir::log((x + 1) / (1 - x)) * 0.5; }

}  // namespace

std::vector<OnnxImportRow> onnx_math_rows() {
  return {{"Pow", pow},
          {"Mod", mod},
          {"Ceil", unary<ceil>},
          {"Sign", unary<sign>},
          {"Tan", unary<tan>},
          {"Sinh", unary<sinh>},
          {"Cosh", unary<cosh>},
          {"Asin", unary<asin>},
          {"Acos", unary<acos>},
          {"Asinh", unary<asinh>},
          {"Acosh", unary<acosh>},
          {"Atanh", unary<atanh>}};
}

}  // namespace hone::io

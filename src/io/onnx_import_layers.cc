// Import rows of the matrix products.
#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

// Half floats are multiplied as f32.
bool is_half(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }
Expr widened(const Expr& x) { return is_half(x.dtype()) ? ir::cast(x, DType::f32) : x; }

void gemm(OnnxImporter& in, const Node& n) {
  const auto scaled = [&](const Expr& x, double by) { return by == 1 ? x : x * by; };
  const Expr a = in.expr(n, 0);
  const Expr b = in.expr(n, 1);
  if (a.dtype() != DType::f32 || b.dtype() != DType::f32)
    fail(ErrorKind::Unsupported, "{} is not supported", name_of(a.dtype()));
  const Expr product = ir::matmul(a, b, int_of(n, "transA", 0) != 0, int_of(n, "transB", 0) != 0);
  const Expr y = scaled(product, float_of(n, "alpha", 1));
  in.bind(n, in.has(n, 2) ? y + scaled(in.expr(n, 2), float_of(n, "beta", 1)) : y);
}

// A vector is a matrix of one row or column, which the result lacks.
void matmul(OnnxImporter& in, const Node& n) {
  Expr a = widened(in.expr(n, 0));
  Expr b = widened(in.expr(n, 1));
  require(a.rank() > 0 && b.rank() > 0, "expected matrices, found {} and {}", a.type(), b.type());
  const bool is_row = a.rank() == 1;
  const bool is_column = b.rank() == 1;
  if (is_row) a = ir::reshape(a, {1, a.shape()[0]});
  if (is_column) b = ir::reshape(b, {b.shape()[0], 1});
  const Expr y = ir::matmul(a, b);
  Ints dims = y.shape().dims();
  if (is_column) dims.pop_back();
  if (is_row) dims.erase(dims.end() - (is_column ? 1 : 2));
  in.bind(n, ir::cast(ir::reshape(y, Shape(dims)), in.type(n, 0).dtype));
}

}  // namespace

std::vector<OnnxImportRow> onnx_layer_rows() { return {{"Gemm", gemm}, {"MatMul", matmul}}; }

}  // namespace hone::io

// Import rows of the matrix products.
#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

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

void matmul(OnnxImporter& in, const Node& n) {
  for (int i = 0; i < 2; ++i)
    if (in.type(n, i).shape.rank() != 2 || in.type(n, i).dtype != DType::f32)
      fail(ErrorKind::Unsupported, "expected two matrices of f32, found {} and {}",
           in.type(n, 0).to_string(), in.type(n, 1).to_string());
  in.bind(n, ir::matmul(in.expr(n, 0), in.expr(n, 1)));
}

}  // namespace

std::vector<OnnxImportRow> onnx_layer_rows() { return {{"Gemm", gemm}, {"MatMul", matmul}}; }

}  // namespace hone::io

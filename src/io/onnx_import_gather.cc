// Import rows of Gather, Scatter, their like, and TopK.
#include "base/error.h"
#include "io/onnx_rows.h"
#include "ir/expr_index.h"

namespace hone::io {

void gather(OnnxImporter& in, const onnx::NodeProto& n) {
  const ir::Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  in.bind(n, ir::gather(x, ir::cast(in.expr(n, 1), DType::i64), axis));
}

namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

Expr indices_of(OnnxImporter& in, const Node& n) {
  const Expr indices = in.expr(n, 1);
  // What the composed indexing adds to the graph is as large.
  if (indices.shape().is_static()) in.charge(indices.shape().elements());
  return ir::cast(indices, DType::i64);
}

void gather_elements(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  in.bind(n, ir::gather_elements(x, indices_of(in, n), axis));
}

void gather_nd(OnnxImporter& in, const Node& n) {
  in.bind(n, ir::gather_nd(in.expr(n, 0), indices_of(in, n), int_of(n, "batch_dims", 0)));
}

// True if updates are added, false if they take the place of what was there.
bool adds(const Node& n, const Expr& x) {
  const std::string how = string_of(n, "reduction", "none");
  if (x.dtype() != DType::f32 || (how != "none" && how != "add"))
    fail(ErrorKind::Unsupported, "reduction '{}' of {} is not supported", how, name_of(x.dtype()));
  return how == "add";
}

void scatter_elements(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  in.bind(n, ir::scatter_elements(x, indices_of(in, n), in.expr(n, 2), axis, adds(n, x)));
}

void scatter_nd(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  in.bind(n, ir::scatter_nd(x, indices_of(in, n), in.expr(n, 2), adds(n, x)));
}

// Before opset 10 k is an attribute. hone's are always sorted.
void top_k(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", -1), x.rank());
  const Ints k = in.has(n, 1) ? in.numbers(n, 1) : Ints{int_of(n, "k", 0)};
  require(k.size() == 1, "expected one k, found {}", k.size());
  const ir::TopK top = ir::topk(x, axis, k[0], int_of(n, "largest", 1) != 0);
  in.bind(n, top.values);
  in.bind(n, 1, top.indices);
}

}  // namespace

std::vector<OnnxImportRow> onnx_gather_rows() {
  return {{"GatherElements", gather_elements}, {"GatherND", gather_nd},
          {"Scatter", scatter_elements},       {"ScatterElements", scatter_elements},
          {"ScatterND", scatter_nd},           {"TopK", top_k}};
}

}  // namespace hone::io

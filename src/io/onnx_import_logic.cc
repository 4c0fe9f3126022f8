// Import rows of comparisons and logic: hone compares with `equal` and `greater`, and a truth value
// chooses between two others.
#include <limits>

#include "base/error.h"
#include "io/onnx_rows.h"
#include "ir/expr_math.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

Expr truth(OnnxImporter& in, bool value) {
  Tensor t(DType::boolean, {});
  t.data<bool>()[0] = value;
  return in.constant(t);
}

template <Expr (*F)(Expr, Expr)>
void binary(OnnxImporter& in, const Node& n) {
  const Expr a = in.expr(n, 0);
  in.bind(n, F(a, second_operand(in, n)));
}
template <Expr (*F)(Expr, Expr)>
Expr turned(Expr a, Expr b) {
  return F(b, a);
}

void logical_not(OnnxImporter& in, const Node& n) {
  const Expr a = in.expr(n, 0);
  require(a.dtype() == DType::boolean, "expected bool, found {}", a.type());
  in.bind(n, ir::logical_not(a));
}

void is_nan(OnnxImporter& in, const Node& n) { in.bind(n, ir::is_nan(in.expr(n, 0))); }
void is_inf(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const double infinity = std::numeric_limits<double>::infinity();
  Expr found = truth(in, false);
  if (int_of(n, "detect_positive", 1) != 0) found = ir::logical_or(ir::equal(x, infinity), found);
  if (int_of(n, "detect_negative", 1) != 0) found = ir::logical_or(ir::equal(x, -infinity), found);
  in.bind(n, ir::broadcast(found, x.shape()));
}

void where(OnnxImporter& in, const Node& n) {
  in.bind(n, ir::select(in.expr(n, 0), in.expr(n, 1), in.expr(n, 2)));
}

}  // namespace

ir::Expr hits(OnnxImporter& in, const ir::Expr& indices, int64_t axis, int64_t depth) {
  require(depth >= 0, "a depth of {}", depth);
  in.charge(depth);
  const Expr whole = ir::cast(indices, DType::i64);
  const Expr counted = ir::select(ir::greater(0, whole), whole + depth, whole);
  Ints apart = indices.shape().dims();
  apart.insert(apart.begin() + axis, 1);
  Ints places(static_cast<size_t>(depth));
  for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<int64_t>(i);
  Ints along(static_cast<size_t>(indices.rank()) + 1, 1);
  along[static_cast<size_t>(axis)] = depth;
  return ir::equal(ir::reshape(counted, Shape(apart)),
                   in.constant(Tensor::from<int64_t>(Shape(along), places)));
}

namespace {

void one_hot(OnnxImporter& in, const Node& n) {
  const Expr indices = in.expr(n, 0);
  const std::vector<double> depth = in.reals(n, 1);
  require(depth.size() == 1, "expected one depth, found {}", depth.size());
  const int64_t axis = axis_of(int_of(n, "axis", -1), indices.rank() + 1);
  const Expr values = in.expr(n, 2);
  const Expr off = ir::reshape(ir::slice(values, 0, 0, 1), {});
  const Expr on = ir::reshape(ir::slice(values, 0, 1, 2), {});
  in.bind(n, ir::select(hits(in, indices, axis, static_cast<int64_t>(depth[0])), on, off));
}

// 1 at the first maximum, 0 elsewhere. Before opset 13 the axes from `axis` on are one.
void hardmax(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", in.opset() < 13 ? 1 : -1), x.rank());
  if (in.opset() < 13 && axis != x.rank() - 1)
    fail(ErrorKind::Unsupported, "before opset 13, only the last axis is supported");
  const Expr first = ir::argmax(x, axis);
  in.bind(n, ir::cast(hits(in, first, axis, x.shape()[static_cast<int>(axis)]), x.dtype()));
}

}  // namespace

std::vector<OnnxImportRow> onnx_logic_rows() {
  return {{"Not", logical_not},
          {"And", binary<ir::logical_and>},
          {"Or", binary<ir::logical_or>},
          {"Xor", binary<ir::logical_xor>},
          {"Less", binary<turned<ir::greater>>},
          {"GreaterOrEqual", binary<ir::greater_or_equal>},
          {"LessOrEqual", binary<turned<ir::greater_or_equal>>},
          {"IsNaN", is_nan},
          {"IsInf", is_inf},
          {"Where", where},
          {"OneHot", one_hot},
          {"Hardmax", hardmax}};
}

}  // namespace hone::io

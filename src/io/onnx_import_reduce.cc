// Import rows of the ops that reduce axes, and of the softmaxes.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {

ir::Expr max_over(const ir::Expr& x, const ir::Ints& axes, bool keep) {
  const bool is_empty = std::any_of(axes.begin(), axes.end(),
                                    [&](int64_t a) { return x.shape()[static_cast<int>(a)] == 0; });
  if (!is_empty) return ir::reduce_max(x, axes, keep);
  const Shape shape = ir::reduce_sum(x, axes, keep).shape();
  // Casts saturate.
  const double least = -std::numeric_limits<double>::infinity();
  return ir::broadcast(ir::scalar_like(x, least), shape);
}

ir::Expr log_softmax(const ir::Expr& x, const ir::Ints& axes) {
  const ir::Expr shifted = x - max_over(x, axes, true);
  return shifted - ir::log(ir::reduce_sum(ir::exp(shifted), axes, true));
}

namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

struct Reduction {
  Ints axes;
  bool keep;
};

// Axes are an attribute in older opsets and an input in newer ones; without any, all are reduced.
Reduction reduction(OnnxImporter& in, const Node& n) {
  const int rank = in.expr(n, 0).rank();
  Reduction r{axes_of(in, n, rank), int_of(n, "keepdims", 1) != 0};
  if (r.axes.empty() && int_of(n, "noop_with_empty_axes", 0) == 0)
    for (int a = 0; a < rank; ++a) r.axes.push_back(a);
  return r;
}

Expr sum(const Expr& x, const Reduction& r) { return ir::reduce_sum(x, r.axes, r.keep); }
Expr max(const Expr& x, const Reduction& r) { return max_over(x, r.axes, r.keep); }
// The sum over a constant; over the batch, over its extent.
Expr mean(const Expr& x, const Reduction& r) {
  const Expr all = sum(x, r);
  const bool has_batch = std::any_of(r.axes.begin(), r.axes.end(), [&](int64_t a) {
    return x.shape()[static_cast<int>(a)] == kBatch;
  });
  if (has_batch) return all / ir::count(x, r.axes);
  double n = 1;
  for (int64_t a : r.axes) n *= static_cast<double>(x.shape()[static_cast<int>(a)]);
  return all / n;
}
Expr prod(const Expr& x, const Reduction& r) { return ir::reduce_prod(x, r.axes, r.keep); }
Expr min(const Expr& x, const Reduction& r) { return -max(-x, r); }
Expr sum_square(const Expr& x, const Reduction& r) { return sum(x * x, r); }
Expr l1(const Expr& x, const Reduction& r) { return sum(ir::abs(x), r); }
Expr l2(const Expr& x, const Reduction& r) { return ir::sqrt(sum_square(x, r)); }
Expr log_sum(const Expr& x, const Reduction& r) { return ir::log(sum(x, r)); }
// log(sum(exp(x))), shifted by the maximum so that nothing overflows.
Expr log_sum_exp(const Expr& x, const Reduction& r) {
  const Expr shift = max_over(x, r.axes, true);
  const Expr kept = ir::log(ir::reduce_sum(ir::exp(x - shift), r.axes, true)) + shift;
  if (r.keep) return kept;
  return ir::reshape(kept, ir::reduce_sum(x, r.axes).shape());
}

template <Expr (*F)(const Expr&, const Reduction&)>
void reduce(OnnxImporter& in, const Node& n) {
  in.bind(n, F(in.expr(n, 0), reduction(in, n)));
}

void bind_index(OnnxImporter& in, const Node& n, const Expr& index, int64_t axis) {
  if (int_of(n, "keepdims", 1) == 0) return in.bind(n, index);
  Ints kept = in.expr(n, 0).shape().dims();
  kept[static_cast<size_t>(axis)] = 1;
  in.bind(n, ir::reshape(index, Shape(kept)));
}

void argmax(OnnxImporter& in, const Node& n) {
  const Expr given = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), given.rank());
  require(given.shape()[static_cast<int>(axis)] != 0, "axis {} has no elements", axis);
  const Expr x = n.op_type() == "ArgMax" ? given : -given;
  if (int_of(n, "select_last_index", 0) == 0) return bind_index(in, n, ir::argmax(x, axis), axis);
  // The last one is the first from behind.
  const int64_t extent = x.shape()[static_cast<int>(axis)];
  if (extent == kBatch)
    fail(ErrorKind::Unsupported, "select_last_index of {}", x.shape().to_string());
  in.charge(extent);
  Ints backwards;
  for (int64_t i = extent; i-- > 0;) backwards.push_back(i);
  bind_index(in, n, extent - 1 - ir::argmax(pick(x, axis, backwards), axis), axis);
}

// exp(x - max) / sum, or x - max - log(sum), over the last axis or one other. Before opset 13 the
// axes from `axis` on are one.
void softmax(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const bool flattens = in.opset() < 13;
  const int64_t axis = axis_of(int_of(n, "axis", flattens ? 1 : -1), x.rank());
  Ints axes = {axis};
  if (flattens)
    for (int64_t a = axis + 1; a < x.rank(); ++a) axes.push_back(a);
  if (n.op_type() == "LogSoftmax") return in.bind(n, log_softmax(x, axes));
  const Expr powers = ir::exp(x - max_over(x, axes, true));
  in.bind(n, powers / ir::reduce_sum(powers, axes, true));
}

void cum_sum(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Ints axis = in.numbers(n, 1);
  require(axis.size() == 1, "expected one axis, found {}", axis.size());
  in.bind(n, ir::cumsum(x, axis_of(axis[0], x.rank()), int_of(n, "exclusive", 0) != 0,
                        int_of(n, "reverse", 0) != 0));
}

}  // namespace

std::vector<OnnxImportRow> onnx_reduce_rows() {
  return {{"ReduceSum", reduce<sum>},
          {"ReduceMax", reduce<max>},
          {"ReduceMin", reduce<min>},
          {"ReduceProd", reduce<prod>},
          {"ReduceMean", reduce<mean>},
          {"ReduceSumSquare", reduce<sum_square>},
          {"ReduceL1", reduce<l1>},
          {"ReduceL2", reduce<l2>},
          {"ReduceLogSum", reduce<log_sum>},
          {"ReduceLogSumExp", reduce<log_sum_exp>},
          {"ArgMax", argmax},
          {"ArgMin", argmax},
          {"CumSum", cum_sum},
          {"Softmax", softmax},
          {"LogSoftmax", softmax}};
}

}  // namespace hone::io

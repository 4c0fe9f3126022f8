// Import rows of the ops that reduce axes, and of the softmaxes.
#include "base/error.h"
#include "io/onnx_axes.h"
#include "io/onnx_importer.h"

namespace hone::io {
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
Expr max(const Expr& x, const Reduction& r) { return ir::reduce_max(x, r.axes, r.keep); }
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
Expr min(const Expr& x, const Reduction& r) { return -max(-x, r); }
Expr sum_square(const Expr& x, const Reduction& r) { return sum(x * x, r); }
Expr l1(const Expr& x, const Reduction& r) { return sum(ir::abs(x), r); }
Expr l2(const Expr& x, const Reduction& r) { return ir::sqrt(sum_square(x, r)); }
Expr log_sum(const Expr& x, const Reduction& r) { return ir::log(sum(x, r)); }
// log(sum(exp(x))), shifted by the maximum so that nothing overflows.
Expr log_sum_exp(const Expr& x, const Reduction& r) {
  const Expr shift = ir::reduce_max(x, r.axes, true);
  const Expr kept = ir::log(ir::reduce_sum(ir::exp(x - shift), r.axes, true)) + shift;
  if (r.keep) return kept;
  return ir::reshape(kept, ir::reduce_max(x, r.axes, false).shape());
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
  if (int_of(n, "select_last_index", 0) != 0)
    fail(ErrorKind::Unsupported, "select_last_index is not supported");
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  bind_index(in, n, ir::argmax(n.op_type() == "ArgMax" ? x : -x, axis), axis);
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
  const Expr shifted = x - ir::reduce_max(x, axes, true);
  const Expr powers = ir::exp(shifted);
  const Expr total = ir::reduce_sum(powers, axes, true);
  in.bind(n, n.op_type() == "Softmax" ? powers / total : shifted - ir::log(total));
}

}  // namespace

std::vector<OnnxImportRow> onnx_reduce_rows() {
  return {{"ReduceSum", reduce<sum>},
          {"ReduceMax", reduce<max>},
          {"ReduceMin", reduce<min>},
          {"ReduceMean", reduce<mean>},
          {"ReduceSumSquare", reduce<sum_square>},
          {"ReduceL1", reduce<l1>},
          {"ReduceL2", reduce<l2>},
          {"ReduceLogSum", reduce<log_sum>},
          {"ReduceLogSumExp", reduce<log_sum_exp>},
          {"ArgMax", argmax},
          {"ArgMin", argmax},
          {"Softmax", softmax},
          {"LogSoftmax", softmax}};
}

}  // namespace hone::io

// Import rows of the losses that a model may end in, as they are at evaluation.
#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

// Of log-probabilities [N,C,...] and classes [N,...]: -log p of the class, weighted by class; the
// mean is over the weights.
Expr negative_log_likelihood(OnnxImporter& in, const Node& n, const Expr& log_p) {
  const Expr target = ir::cast(in.expr(n, 1), DType::i64);
  const Expr none = in.scalar(log_p.dtype(), 0);
  const Expr hit = hits(in, target, 1, log_p.shape()[1]);
  Expr loss = -ir::reduce_sum(ir::select(hit, log_p, none), {1});
  Expr weight;
  if (in.has(n, 2)) {
    const Expr by_class = per_channel(in.expr(n, 2), log_p.rank());
    weight = ir::reduce_sum(ir::select(hit, by_class, none), {1});
  }
  if (find_attribute(n, "ignore_index") != nullptr) {
    const Expr ignored = ir::equal(target, int_of(n, "ignore_index", 0));
    weight = ir::select(ignored, none, weight ? weight : in.scalar(log_p.dtype(), 1));
  }
  if (weight) loss = loss * weight;
  const std::string reduction = string_of(n, "reduction", "mean");
  require(reduction == "none" || reduction == "sum" || reduction == "mean",
          "reduction '{}' is unknown", reduction);
  if (reduction == "none") return loss;
  Ints all;
  for (int a = 0; a < loss.rank(); ++a) all.push_back(a);
  const Expr sum = ir::reduce_sum(loss, all);
  if (reduction == "sum") return sum;
  return sum / (weight ? ir::reduce_sum(weight, all) : ir::count(loss, all));
}

void nll_loss(OnnxImporter& in, const Node& n) {
  in.bind(n, negative_log_likelihood(in, n, in.expr(n, 0)));
}

void softmax_cross_entropy(OnnxImporter& in, const Node& n) {
  const Expr log_p = log_softmax(in.expr(n, 0), {1});
  in.bind(n, negative_log_likelihood(in, n, log_p));
  in.bind(n, 1, log_p);
}

}  // namespace

std::vector<OnnxImportRow> onnx_loss_rows() {
  return {{"NegativeLogLikelihoodLoss", nll_loss},
          {"SoftmaxCrossEntropyLoss", softmax_cross_entropy}};
}

}  // namespace hone::io

// Losses and metrics from primitives.
#include "nn/loss.h"

#include "nn/activations.h"

namespace hone::nn {

using ir::Expr;

Expr sample_losses(Loss loss, Expr logits, Expr labels) {
  switch (loss.kind) {
    case Loss::Kind::softmax_cross_entropy: {
      require(logits.rank() == 2, "softmax_cross_entropy: expected logits [N,classes], found {}",
              logits.shape());
      const Expr target =
          labels.dtype() == DType::i64 ? ir::one_hot(labels, logits.shape()[1]) : labels;
      require(target.shape() == logits.shape(),
              "softmax_cross_entropy: expected labels for logits {}, found {}", logits.shape(),
              labels.type());
      return -ir::reduce_sum(target * log_softmax(logits), {1});
    }
    case Loss::Kind::mean_squared_error: {
      require(labels.type() == logits.type(), "mean_squared_error: expected targets {}, found {}",
              logits.type(), labels.type());
      const Expr error = logits - labels;
      ir::Ints axes;
      for (int i = 1; i < logits.rank(); ++i) axes.push_back(i);
      return axes.empty() ? error * error : ir::reduce_mean(error * error, axes);
    }
  }
  fail(ErrorKind::Internal, "loss {} does not exist", static_cast<int>(loss.kind));
}

Expr sample_hits(Expr logits, Expr labels) {
  const Expr target = labels.dtype() == DType::i64 ? labels : ir::argmax(labels, 1);
  return ir::cast(ir::equal(ir::argmax(logits, 1), target), DType::f32);
}

}  // namespace hone::nn

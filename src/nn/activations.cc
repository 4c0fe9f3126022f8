// Activations as primitives; fusion makes one loop of each again.
#include "nn/activations.h"

#include <numbers>

namespace hone::nn {

using ir::Expr;

Expr log_softmax(Expr x) {
  const int64_t last = x.rank() - 1;
  const Expr shifted = x - ir::detached_max(x, {last});
  return shifted - ir::log(ir::reduce_sum(ir::exp(shifted), {last}, true));
}

Expr activate(Activation kind, Expr x) {
  switch (kind) {
    case Activation::linear:
      return x;
    case Activation::relu:
      return ir::relu(x);
    case Activation::relu6:
      return ir::minimum(ir::maximum(x, 0), 6);
    case Activation::leaky_relu:
      return ir::select(ir::greater(x, 0), x, x * 0.01);
    case Activation::elu:
      // exp of the negative part only, so that no infinity meets the gradient's zero.
      return ir::select(ir::greater(x, 0), x, ir::exp(ir::minimum(x, 0)) - 1);
    case Activation::sigmoid:
      return ir::sigmoid(x);
    case Activation::tanh:
      return ir::tanh(x);
    case Activation::gelu:
      return x * 0.5 * (ir::erf(x * (1 / std::numbers::sqrt2)) + 1);
    case Activation::silu:
      return x * ir::sigmoid(x);
    case Activation::softplus:
      return ir::maximum(x, 0) + ir::log(ir::exp(-ir::abs(x)) + 1);
    case Activation::softmax: {
      const int64_t last = x.rank() - 1;
      const Expr e = ir::exp(x - ir::detached_max(x, {last}));
      return e / ir::reduce_sum(e, {last}, true);
    }
  }
  fail(ErrorKind::Internal, "activation {} does not exist", static_cast<int>(kind));
}

}  // namespace hone::nn

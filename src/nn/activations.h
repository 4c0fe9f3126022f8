// Activations as primitives.
#pragma once

#include <hone/nn.h>

#include "ir/expr.h"

namespace hone::nn {

ir::Expr activate(Activation kind, ir::Expr x);
/// log softmax over the last axis, shifted by the maximum, which cancels.
ir::Expr log_softmax(ir::Expr x);

}  // namespace hone::nn

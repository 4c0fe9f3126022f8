// Losses and metrics as graph: per sample, so that evaluation does not depend on the batch.
#pragma once

#include <hone/nn.h>

#include "ir/expr.h"

namespace hone::nn {

/// The loss of each sample, f32[N].
ir::Expr sample_losses(Loss loss, ir::Expr logits, ir::Expr labels);
/// 1 for each sample whose largest output is at its label, else 0: f32[N].
ir::Expr sample_hits(ir::Expr logits, ir::Expr labels);

}  // namespace hone::nn

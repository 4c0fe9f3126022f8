// The table of gradient rules, keyed by op: how the gradient of a result becomes the gradients of
// the operands.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ir/expr.h"

namespace hone::passes {

/// A node y = f(x...) on the way back: dy = dL/dy is known.
struct Step {
  const ir::Attrs& attrs;
  std::vector<ir::Expr> x;    ///< the operands
  std::vector<ir::Expr> ys;   ///< the results
  std::vector<ir::Expr> dys;  ///< their gradients; null where none arrives
  ir::Expr y, dy;             ///< the first of each
  size_t operand = 0;         ///< the operand whose gradient is asked for
};

/// dL/dx of one operand. A rule of an op with implicit broadcasting may return a gradient of the
/// result's shape: whoever calls it sums it to the operand's.
using Gradient = ir::Expr (*)(const Step&);

/// What an op does to gradients.
struct GradientRow {
  const ir::OpSpec* op;
  /// One function for each operand (the last serves all further ones); a nullptr passes none, and
  /// no functions at all say that the op is a constant to differentiation.
  std::vector<Gradient> operands;

  Gradient of(size_t operand) const {
    if (operands.empty()) return nullptr;
    return operands[operand < operands.size() ? operand : operands.size() - 1];
  }
};

std::span<const GradientRow> gradient_rows();
/// The row of `op`, or nullptr.
const GradientRow* find_gradient(const ir::OpSpec& op);

/// An op that nobody can differentiate through, and what to do instead.
struct NotDifferentiable {
  const ir::OpSpec* op;
  std::string_view reason;
};
std::span<const NotDifferentiable> not_differentiable();

/// The sum of `gradient` over the axes along which `shape` was broadcast to it, ascending, so that
/// the batch (axis 0) is the slowest.
ir::Expr sum_to(ir::Expr gradient, Shape shape);

}  // namespace hone::passes

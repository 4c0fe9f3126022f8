// What an op is: its row in ops.inc. In a graph an op is an `OpSpec*`.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ir/attrs.h"

namespace hone::ir {

struct Node;

/// What passes and kernels may assume of an op without knowing it by name.
enum class OpClass {
  source,       ///< no operands: input, state, constant
  elementwise,  ///< each result element depends on the (broadcast) operand elements at its place
  movement,     ///< elements move, none is computed
  reduction,
  contraction,  ///< matmul and the convolutions: one FMA chain per element
  window,       ///< pooling
  random,
  structured,  ///< fused regions, communication, what fits nowhere else
};

/// Types of a node's results from its operands' types and attributes; throws InvalidInput with a
/// line that says what was expected and found (without the node's name: the caller prefixes it).
using InferFn = std::vector<TensorType> (*)(std::span<const TensorType> operands,
                                            const Attrs& attrs);

struct OpSpec {
  std::string_view name;
  int min_operands;
  int max_operands;  ///< -1: any number
  OpClass op_class;
  /// Comma-separated attribute names, "stride,pad"; a trailing '?' marks an optional one.
  std::string_view attributes;
  InferFn infer;
};

/// The built-in or registered op called `name`, or nullptr.
const OpSpec* find_op(std::string_view name);
/// The rows of ops.inc, in order.
std::span<const OpSpec* const> builtin_ops();
/// Adds a user's op. `spec` must outlive every graph. Throws InvalidInput if the name is taken.
void register_op(const OpSpec* spec);

/// The built-in ops, as `op::matmul`.
namespace op {
#define HONE_OP(name, min_operands, max_operands, op_class, attributes, infer) \
  extern const OpSpec name;
#include "ir/ops.inc"
#undef HONE_OP
}  // namespace op

}  // namespace hone::ir

// Reading the body of a contraction's epilogue: what finds the commonest forms of them asks this.
// The body's first input is the contraction; the others are the node's operands after the first
// two.
#pragma once

#include <optional>

#include "ir/graph.h"
#include "kernels/kernel.h"

namespace hone::kernels {

/// The number that a value of a body is, if it is an f32 constant of one element.
std::optional<float> number_in(const ir::Graph& body, ir::ValueId v);

/// Which operand of the node an input of its epilogue's body is.
int operand_of(const ir::Graph& body, ir::ValueId input);

/// True if an input of the body has one element for each column of the loop, its last axis.
bool is_by_column(const ir::Graph& body, ir::ValueId v);

/// The body over a loop of another shape with as many elements, if each of its inputs is of the
/// loop's shape or a single element.
std::optional<ir::Graph> reshaped_body(const ir::Graph& body, const Shape& loop);

/// A kernel's in_place function: true of an operand of the epilogue that is of the result's type.
bool epilogue_over_operand(const Problem& problem, int result, int operand);

}  // namespace hone::kernels

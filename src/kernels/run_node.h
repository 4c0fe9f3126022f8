// Which row of the kernel table suits a node, and computing one node outside of any program: what
// folds constants. The kernels give the bits of the references, only sooner.
#pragma once

#include <span>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

/// Why `row` does not take the node, or empty.
std::string refusal(const KernelRow& row, const Problem& problem);
/// The row of highest priority that takes the node, or nullptr: then the reference computes it.
const KernelRow* best_row(const Problem& problem);

/// Computes one node (not a source) into `results`, on the calling thread.
void run_node(const ir::Node& node, std::span<const View> operands, std::span<const View> results);

}  // namespace hone::kernels

// Kernel choice. Today a heuristic: of the rows that claim a node, the one of highest priority. A
// measured choice among rows of one numerics id has its seam here, and nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kernels/kernel.h"

namespace hone::plan {

struct Choice {
  std::string_view name;  ///< "gemm.packed", or "reference"
  std::unique_ptr<kernels::Kernel> kernel;
  bool (*in_place)(const kernels::Problem&, int result, int operand) = nullptr;
};

/// The kernel for a node; the scalar reference where no row claims it.
Choice choose_kernel(const kernels::Problem& problem);

/// One line for each row of the node's op: chosen, or the reason why it refused.
std::string explain(const kernels::Problem& problem);

}  // namespace hone::plan

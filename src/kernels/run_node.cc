// The heuristic of kernel choice, and one node at a time.
#include "kernels/run_node.h"

#include <fmt/core.h>

#include "base/fp_state.h"
#include "kernels/interpreter.h"
#include "kernels/kernel_memory.h"

namespace hone::kernels {

std::string refusal(const KernelRow& row, const Problem& problem) {
  if (problem.isa < row.lowest) return fmt::format("needs {}", name_of(row.lowest));
  if (problem.panels && (row.panels == nullptr || row.panels(*problem.node, problem.operands[1],
                                                             problem.isa) != problem.panels))
    return "does not read the panels that operand 1 lies in";
  if (problem.planes && (row.planes == nullptr || !row.planes(problem)))
    return "does not read planes of channels";
  return row.refuse == nullptr ? "" : row.refuse(problem);
}

const KernelRow* best_row(const Problem& problem) {
  const KernelRow* best = nullptr;
  for (const KernelRow& row : kernel_rows()) {
    if (row.op != problem.node->op || (best != nullptr && row.priority <= best->priority)) continue;
    if (refusal(row, problem).empty()) best = &row;
  }
  return best;
}

void run_node(const ir::Node& node, std::span<const View> operands, std::span<const View> results) {
  Problem problem{&node, {}, {}, default_isa(), 1};
  for (const View& v : operands) problem.operands.push_back(*v.type);
  for (const View& v : results) problem.results.push_back(*v.type);
  const KernelRow* row = best_row(problem);
  if (row == nullptr) return run_reference_node({&node, operands, results});
  const std::unique_ptr<Kernel> kernel = row->make(problem);
  KernelMemory memory(*kernel, 1);
  ThreadPool alone(1);
  const FpState fp;
  kernel->run(memory.call(operands, results, &alone));
}

}  // namespace hone::kernels

// Choosing a kernel for a node.
#include "plan/choose.h"

#include <fmt/core.h>

#include "kernels/interpreter.h"
#include "kernels/run_node.h"

namespace hone::plan {
namespace {

using kernels::Call;
using kernels::Kernel;
using kernels::KernelRow;
using kernels::Problem;

/// The scalar reference as a kernel.
class ReferenceKernel final : public Kernel {
 public:
  explicit ReferenceKernel(const Problem& problem) : node_(*problem.node) {}
  void run(const Call& call) const noexcept override {
    kernels::run_reference_node({&node_, call.operands, call.results});
  }

 private:
  ir::Node node_;
};

}  // namespace

Choice choose_kernel(const Problem& problem) {
  if (const KernelRow* row = kernels::best_row(problem)) {
    return {row->name, row->make(problem), row->in_place};
  }
  return {"reference", std::make_unique<ReferenceKernel>(problem)};
}

std::string explain(const Problem& problem) {
  const KernelRow* best = kernels::best_row(problem);
  std::string out;
  for (const KernelRow& row : kernels::kernel_rows()) {
    if (row.op != problem.node->op) continue;
    const std::string why = kernels::refusal(row, problem);
    out += fmt::format("{}: {}\n", row.name,
                       &row == best ? "chosen" : (why.empty() ? "of lower priority" : why));
  }
  if (best == nullptr) out += "reference: chosen\n";
  return out;
}

}  // namespace hone::plan

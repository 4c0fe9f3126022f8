// Which neighbours become one step.
#include <iterator>

#include "kernels/chain.h"
#include "plan/step_plan.h"

namespace hone::plan {
namespace {

bool is_image(const StepPlan& step) {
  return step.operands.size() <= kernels::kMaxLinkOperands && step.problem.results.size() == 1 &&
         step.problem.results[0].shape.rank() == 4 &&
         step.problem.results[0].shape.elements() > 0 && step.choice.kernel->lines() != nullptr;
}

kernels::ChainLink link_of(const StepPlan& step) {
  // Operands of an image's size are read line by line.
  int64_t fixed_bytes = 0;
  for (size_t i = 1; i < step.problem.operands.size(); ++i)
    if (step.problem.operands[i].shape != step.problem.results[0].shape)
      fixed_bytes += step.problem.operands[i].bytes();
  return {step.choice.kernel->lines(), step.problem.results[0], step.flops, fixed_bytes};
}

StepPlan chain(std::span<StepPlan> steps, const std::vector<kernels::ChainLink>& links,
               int64_t blocks, int threads) {
  std::vector<std::unique_ptr<kernels::Kernel>> kernels;
  std::vector<size_t> operands;
  StepPlan whole = std::move(steps[0]);
  kernels.push_back(std::move(whole.choice.kernel));
  operands.push_back(whole.operands.size());
  for (StepPlan& step : steps.subspan(1)) {
    operands.push_back(step.operands.size());
    whole.operands.insert(whole.operands.end(), step.operands.begin() + 1, step.operands.end());
    std::vector<TensorType>& types = whole.problem.operands;
    types.insert(types.end(), step.problem.operands.begin() + 1, step.problem.operands.end());
    whole.node = step.node;
    whole.name += "+" + step.name;
    whole.flops += step.flops;
    whole.problem.results = step.problem.results;
    kernels.push_back(std::move(step.choice.kernel));
  }
  whole.choice = {"chain",
                  kernels::make_chain(std::move(kernels), links, operands, blocks, threads)};
  return whole;
}

}  // namespace

// A chain grows as long as it gains.
std::vector<StepPlan> chain_steps(const ir::Graph& graph, std::vector<StepPlan> steps,
                                  int threads) {
  const std::vector<int> uses = graph.use_counts();
  std::vector<StepPlan> out;
  for (size_t begin = 0; begin < steps.size();) {
    size_t end = begin + 1;
    std::vector<kernels::ChainLink> links;
    if (is_image(steps[begin])) links.push_back(link_of(steps[begin]));
    kernels::ChainCut cut{1, 0};
    for (; !links.empty() && end < steps.size(); ++end) {
      const ir::ValueId between = steps[end - 1].node->results[0];
      if (!is_image(steps[end]) || steps[end].operands[0] != between ||
          uses[static_cast<size_t>(between)] != 1)
        break;
      links.push_back(link_of(steps[end]));
      const kernels::ChainCut longer = kernels::cut_chain(links, threads);
      if (longer.gain <= cut.gain) {
        links.pop_back();
        break;
      }
      cut = longer;
    }
    const std::span<StepPlan> group(steps.data() + begin, end - begin);
    out.push_back(group.size() > 1 ? chain(group, links, cut.blocks, threads)
                                   : std::move(group[0]));
    begin = end;
  }
  return out;
}

}  // namespace hone::plan

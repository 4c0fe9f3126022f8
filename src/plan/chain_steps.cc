// Which neighbours become one step.
#include <fmt/core.h>

#include <iterator>
#include <string_view>

#include "base/error.h"
#include "kernels/chain.h"
#include "plan/program.h"
#include "plan/step_plan.h"

namespace hone::plan {
namespace {

bool has_lines(const StepPlan& step) {
  return step.operands.size() <= kernels::kMaxLinkOperands && step.problem.results.size() == 1 &&
         step.problem.results[0].shape.elements() > 0 && step.choice.kernel->lines() != nullptr;
}

kernels::ChainLink link_of(const StepPlan& step) {
  // Operands of an image's size are read line by line.
  int64_t fixed_bytes = 0;
  for (size_t i = 1; i < step.problem.operands.size(); ++i)
    if (step.problem.operands[i].shape != step.problem.results[0].shape)
      fixed_bytes += step.problem.operands[i].bytes();
  const TensorType& result = step.problem.results[0];
  invariant(result.shape.rank() == 4 || result.shape.rank() == 2, "lines of {}", result);
  return {step.choice.kernel->lines(),
          {result.dtype, kernels::image_of_lines(result.shape)},
          step.flops,
          fixed_bytes};
}

std::string_view shown(const StepPlan& step) { return shown_name(step.name, step.node->op->name); }

StepPlan chain(std::span<StepPlan> steps, int64_t blocks) {
  std::vector<kernels::ChainLink> links;
  for (const StepPlan& step : steps) links.push_back(link_of(step));
  std::vector<std::unique_ptr<kernels::Kernel>> kernels;
  std::vector<size_t> operands;
  StepPlan whole = std::move(steps[0]);
  whole.name = shown(whole);
  kernels.push_back(std::move(whole.choice.kernel));
  operands.push_back(whole.operands.size());
  for (StepPlan& step : steps.subspan(1)) {
    operands.push_back(step.operands.size());
    whole.operands.insert(whole.operands.end(), step.operands.begin() + 1, step.operands.end());
    std::vector<TensorType>& types = whole.problem.operands;
    types.insert(types.end(), step.problem.operands.begin() + 1, step.problem.operands.end());
    whole.node = step.node;
    whole.name += fmt::format("+{}", shown(step));
    whole.flops += step.flops;
    whole.problem.results = step.problem.results;
    kernels.push_back(std::move(step.choice.kernel));
  }
  whole.choice = {"chain", kernels::make_chain(std::move(kernels), links, operands, blocks)};
  return whole;
}

}  // namespace

// From the last step back, each step begins the chain that gains most together with what follows
// it. A chain that loses is not made longer.
std::vector<StepPlan> chain_steps(const ir::Graph& graph, std::vector<StepPlan> steps,
                                  int threads) {
  const std::vector<int> uses = graph.use_counts();
  const auto follows = [&](size_t i) {
    const ir::ValueId between = steps[i - 1].node->results[0];
    return has_lines(steps[i]) && !steps[i].problem.planes && steps[i].operands[0] == between &&
           uses[static_cast<size_t>(between)] == 1;
  };
  struct Way {
    int64_t gain = 0;  // of this chain and all that follow
    size_t end = 0;
    int64_t blocks = 1;
  };
  std::vector<Way> ways(steps.size() + 1);
  for (size_t begin = steps.size(); begin-- > 0;) {
    Way& best = ways[begin] = {ways[begin + 1].gain, begin + 1};
    if (!has_lines(steps[begin])) continue;
    std::vector<kernels::ChainLink> links = {link_of(steps[begin])};
    for (size_t end = begin + 1; end < steps.size() && follows(end); ++end) {
      links.push_back(link_of(steps[end]));
      const kernels::ChainCut cut = kernels::cut_chain(links, threads);
      if (cut.gain < 0) break;
      const int64_t gain = cut.gain + ways[end + 1].gain;
      if (gain > best.gain) best = {gain, end + 1, cut.blocks};
    }
  }
  std::vector<StepPlan> out;
  for (size_t begin = 0; begin < steps.size(); begin = ways[begin].end) {
    const std::span<StepPlan> group(steps.data() + begin, ways[begin].end - begin);
    out.push_back(group.size() > 1 ? chain(group, ways[begin].blocks) : std::move(group[0]));
  }
  return out;
}

}  // namespace hone::plan

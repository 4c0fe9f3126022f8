// A step of a program in the making, and the steps that become one.
#pragma once

#include <string>
#include <vector>

#include "plan/choose.h"

namespace hone::plan {

struct StepPlan {
  const ir::Node* node;  ///< of several, the last
  std::string name;
  std::vector<ir::ValueId> operands;  ///< of an unpacked weight, it may be the panels
  kernels::Problem problem;
  Choice choice;
  int64_t flops;
};

/// The steps with those made one whose results go from line to line through a core's cache
/// (kernels/chain.h): neighbours, each of which alone reads what the one before it makes.
std::vector<StepPlan> chain_steps(const ir::Graph& graph, std::vector<StepPlan> steps, int threads);

}  // namespace hone::plan

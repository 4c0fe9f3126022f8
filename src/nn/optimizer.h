// Optimisers as graph: updates of the parameters and of the optimiser's own states.
#pragma once

#include <hone/nn.h>

#include <string_view>
#include <vector>

#include "nn/layer.h"

namespace hone::nn {

/// The state (f32[]) that holds how many steps a schedule goes over, where it is not constant: a
/// run may be taken up for more epochs than it was begun for.
inline constexpr std::string_view kScheduleSteps = "optimizer/schedule_steps";

/// The learning rate at the step that `step` (i64[], 0 for the first update) holds, where the
/// schedule goes over `length` (f32[]) steps.
ir::Expr learning_rate(const Optimizer& optimizer, ir::Expr step, ir::Expr length);
/// The same as a number, for whoever watches a run.
float learning_rate(const Optimizer& optimizer, int64_t step);

/// For a graph with the outputs "grad/<parameter>": the same graph in which they are used up by
/// updates of the parameters, and "train/step" counts on. Adds the optimiser's states to `states`.
ir::Graph apply_optimizer(const ir::Graph& differentiated, const Optimizer& optimizer,
                          std::vector<StateInit>& states);

}  // namespace hone::nn

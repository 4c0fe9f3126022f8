// Planning within a limit of memory.
#pragma once

#include "plan/plan.h"

namespace hone::plan {

/// The program of `plan`, if its arena takes no more than `options.memory_limit` bytes or that is
/// 0; else one of the same bits that fits, because it computes values again instead of keeping
/// them. Throws Exhausted, with the least memory that was reached, if none is found.
Program plan_within_limit(const ir::Graph& graph, const PlanOptions& options);

}  // namespace hone::plan

// How many threads a program pays for.
#pragma once

#include "plan/plan.h"

namespace hone::plan {

/// `options.threads`, or 1 for a graph so small that it is done on one core, whose caches hold all
/// of it, before others have fetched what they need from there.
int useful_threads(const ir::Graph& lowered, const PlanOptions& options);

}  // namespace hone::plan

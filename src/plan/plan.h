// From a lowered graph of static shapes to a program.
#pragma once

#include "base/cpu.h"
#include "plan/program.h"

namespace hone::plan {

struct PlanOptions {
  Isa isa = default_isa();
  int threads = 1;
  /// Of the arena, in bytes, for `plan_within_limit`; 0: none. `plan` then keeps no memory from
  /// step to step that values could have.
  int64_t memory_limit = 0;
};

/// Chooses kernels, decides which values share memory, and lays out the arena. States whose next
/// value can be written over them are updated in place. Throws InvalidInput for a graph that is not
/// static.
Program plan(const ir::Graph& graph, const PlanOptions& options);

}  // namespace hone::plan

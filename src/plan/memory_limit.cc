// The pass that recomputes knows the graph's values, and not what kernels work in or what the
// arena's layout wastes: what it is asked for falls until the program fits.
#include "plan/memory_limit.h"

#include <algorithm>

#include "base/error.h"
#include "ir/cost.h"
#include "passes/liveness.h"
#include "passes/recompute.h"

namespace hone::plan {
namespace {

constexpr int kAttempts = 6;

}  // namespace

Program plan_within_limit(const ir::Graph& graph, const PlanOptions& options) {
  PlanOptions without = options;
  without.memory_limit = 0;
  Program program = plan(graph, without);
  const int64_t limit = options.memory_limit, unlimited = program.arena_bytes;
  program.unlimited_bytes = unlimited;
  if (limit == 0 || unlimited <= limit) return program;
  program = plan(graph, options);
  program.unlimited_bytes = unlimited;
  const int64_t whole = program.arena_bytes;
  if (whole <= limit) return program;

  ir::Graph smaller = graph;
  const auto fits_within = [&](int64_t target) {
    smaller = passes::recompute(graph, target);
    program = plan(smaller, options);
    program.unlimited_bytes = unlimited;
    program.recomputed_flops = ir::flops(smaller) - ir::flops(graph);
    return program.arena_bytes <= limit;
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const int64_t target = passes::Liveness(smaller).peak() - (program.arena_bytes - limit);
    if (target <= 0) break;
    if (fits_within(target)) return program;
  }
  // An arena need not shrink with the peak that the pass is asked for: any of twenty may fit. These
  // do not depend on the limit, so that the least of them is a limit that is kept.
  const int64_t peak = passes::Liveness(graph).peak();
  int64_t least = whole;
  for (int64_t twentieths = 19; twentieths > 0; --twentieths) {
    const int64_t target = peak * twentieths / 20;
    if (fits_within(target)) return program;
    least = std::min(least, program.arena_bytes);
    if (passes::Liveness(smaller).peak() > target) break;
  }
  fail(ErrorKind::Exhausted,
       "{}: a memory limit of {} bytes is too low: expected at least {} bytes, of {} without limit",
       graph.name(), limit, least, unlimited);
}

}  // namespace hone::plan

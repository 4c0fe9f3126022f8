// Measuring a graph by its arithmetic and its memory.
#include "plan/threads.h"

#include "base/cpu.h"
#include "ir/cost.h"

namespace hone::plan {
namespace {

// Operations in a few tens of microseconds. Below them a second thread made training slower on a
// Sapphire Rapids, and above them faster on a Zen 3 (docs/performance.md).
int64_t small_flops(Isa isa) {
  return int64_t{1} << (isa >= Isa::avx512 ? 23 : isa >= Isa::avx2 ? 20 : 19);
}

int64_t bytes_of(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (const ir::Node& node : graph.nodes())
    for (ir::ValueId v : node.results) bytes += graph.type(v).bytes();
  return bytes;
}

}  // namespace

int useful_threads(const ir::Graph& lowered, const PlanOptions& options) {
  const bool small =
      ir::flops(lowered) < small_flops(options.isa) && bytes_of(lowered) < core_cache_bytes();
  return small ? 1 : options.threads;
}

}  // namespace hone::plan

// Measuring a graph by its arithmetic and its memory.
#include "plan/threads.h"

#include "ir/cost.h"

namespace hone::plan {
namespace {

// Some tens of microseconds, and less than a core's own cache.
constexpr int64_t kFlopsPerLane = int64_t{1} << 19;
constexpr int64_t kCacheBytes = int64_t{3} << 19;

int64_t lanes(Isa isa) { return isa >= Isa::avx512 ? 16 : isa >= Isa::avx2 ? 8 : 1; }

/// Of constants and states, or of all else.
int64_t bytes_of(const ir::Graph& graph, bool fixed) {
  int64_t bytes = 0;
  for (const ir::Node& node : graph.nodes())
    if ((node.is(ir::op::constant) || node.is(ir::op::state)) == fixed)
      for (ir::ValueId v : node.results) bytes += graph.type(v).bytes();
  return bytes;
}

}  // namespace

int useful_threads(const ir::Graph& lowered, const PlanOptions& options) {
  const bool small = ir::flops(lowered) < kFlopsPerLane * lanes(options.isa) &&
                     bytes_of(lowered, true) < kCacheBytes &&
                     bytes_of(lowered, false) < kCacheBytes;
  return small ? 1 : options.threads;
}

}  // namespace hone::plan

// Measuring a graph by its arithmetic and its memory.
#include "plan/threads.h"

#include "base/cpu.h"
#include "ir/cost.h"

namespace hone::plan {
namespace {

constexpr int64_t kFlopsPerLane = int64_t{1} << 19;  // some tens of microseconds

int64_t lanes(Isa isa) { return isa >= Isa::avx512 ? 16 : isa >= Isa::avx2 ? 8 : 1; }

int64_t bytes_of(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (const ir::Node& node : graph.nodes())
    for (ir::ValueId v : node.results) bytes += graph.type(v).bytes();
  return bytes;
}

}  // namespace

int useful_threads(const ir::Graph& lowered, const PlanOptions& options) {
  const bool small = ir::flops(lowered) < kFlopsPerLane * lanes(options.isa) &&
                     bytes_of(lowered) < core_cache_bytes();
  return small ? 1 : options.threads;
}

}  // namespace hone::plan

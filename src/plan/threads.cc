// Measuring a graph by its arithmetic and its weights.
#include "plan/threads.h"

#include "ir/cost.h"

namespace hone::plan {
namespace {

// Some tens of microseconds, and less than a core's own cache.
constexpr int64_t kFlopsPerLane = int64_t{1} << 19;
constexpr int64_t kWeightBytes = int64_t{3} << 19;

int64_t lanes(Isa isa) { return isa >= Isa::avx512 ? 16 : isa >= Isa::avx2 ? 8 : 1; }

int64_t weight_bytes(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (const ir::Node& node : graph.nodes())
    if (node.is(ir::op::constant) || node.is(ir::op::state))
      bytes += graph.type(node.results[0]).bytes();
  return bytes;
}

}  // namespace

int useful_threads(const ir::Graph& lowered, const PlanOptions& options) {
  const bool small = ir::flops(lowered) < kFlopsPerLane * lanes(options.isa) &&
                     weight_bytes(lowered) < kWeightBytes;
  return small ? 1 : options.threads;
}

}  // namespace hone::plan

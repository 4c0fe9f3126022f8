// Cutting sums over the batch into virtual shards.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Sets `batch` and `shards` on every node that sums over the symbolic batch, so that its sum takes
/// the shard tree (docs/numerics.md, "The batch"). Runs before the graph is bound, where the batch
/// can still be told from other extents.
ir::Graph shard_sums(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

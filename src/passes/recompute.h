// Trading time for memory.
#pragma once

#include "ir/graph.h"

namespace hone::passes {

/// A graph that computes the same bits in the memory of at most `bytes` (as Liveness counts), or in
/// as little as was found: values that lie idle at the peak are computed again where they are read
/// next, those first that save the most memory for the least work, with all that they need and that
/// is not there. Values that are computed again for one are there for its neighbours, too, so that
/// a chain is walked through once a stretch.
///
/// The last of passes: another might merge what is computed twice, or move it. The graph must be of
/// static shapes.
ir::Graph recompute(const ir::Graph& graph, int64_t bytes);

}  // namespace hone::passes

// What hone does to a graph before it is planned: the table of contents is in pipeline.cc.
#pragma once

#include <vector>

#include "passes/runner.h"

namespace hone::passes {

/// What is done once, while the batch is symbolic: after differentiation, before `ir::bind_batch`.
ir::Graph prepare(const ir::Graph& graph, Sharding sharding,
                  const PassOptions& options = PassOptions::from_environment(),
                  std::vector<PassRecord>* records = nullptr);

/// What is done once to a graph that only computes outputs, while the batch is symbolic. Memory of
/// its constants that nobody else holds is given back as soon as they lie otherwise.
ir::Graph prepare_inference(ir::Graph graph,
                            const PassOptions& options = PassOptions::from_environment(),
                            std::vector<PassRecord>* records = nullptr);

/// What is done for each batch size: from a bound graph to one that the planner takes.
ir::Graph lower(const ir::Graph& graph,
                const PassOptions& options = PassOptions::from_environment(),
                std::vector<PassRecord>* records = nullptr);

/// Every pass of all stages, in order; a pass that runs twice is there twice.
std::vector<Pass> all_passes();

}  // namespace hone::passes

// Staging: programs made lazily from a graph with a symbolic batch, one for each batch size that
// comes, kept in a bounded cache.
#pragma once

#include <list>

#include "exec/executor.h"
#include "ir/graph.h"
#include "passes/runner.h"
#include "plan/plan.h"

namespace hone::exec {

class StagedExecutor {
 public:
  /// `graph` may have kBatch dimensions. `pool` must outlive this.
  StagedExecutor(ir::Graph graph, Isa isa, ThreadPool* pool,
                 passes::PassOptions passes = passes::PassOptions::from_environment());

  /// Binds, lowers and plans for the inputs' batch if no program fits yet, and runs it. Returns the
  /// executor, whose outputs are those of this run.
  Executor& run(const std::map<std::string, Tensor>& inputs, StateStore& states,
                const StepObserver& observer = {});
  /// The executor for a batch of `n`, made now if need be.
  Executor& stage(int64_t n);
  const ir::Graph& graph() const { return graph_; }

 private:
  struct Stage {
    int64_t batch;
    Executor executor;
  };

  ir::Graph graph_;
  plan::PlanOptions options_;
  passes::PassOptions passes_;
  ThreadPool* pool_;
  std::list<Stage> stages_;  // the most recently used first
};

}  // namespace hone::exec

// The cache of programs by batch size.
#include "exec/staged.h"

#include <algorithm>

#include "base/error.h"
#include "ir/bind.h"
#include "passes/pipeline.h"

namespace hone::exec {
namespace {

/// The extent that the inputs give the batch: that of the first input which has it.
int64_t batch_of(const ir::Graph& graph, const std::map<std::string, Tensor>& inputs) {
  for (ir::ValueId v : graph.inputs()) {
    const Shape& declared = graph.shape(v);
    if (declared.is_static()) continue;
    const std::string& name = graph.producer(v).name;
    const auto found = inputs.find(name);
    require(found != inputs.end(), "{}: input '{}' is missing", graph.name(), name);
    const Shape& given = found->second.shape();
    require(given.rank() == declared.rank(), "{}: input '{}': expected {}, found {}", graph.name(),
            name, graph.type(v).to_string(), found->second.type().to_string());
    return given[0];
  }
  return 1;  // a graph without a batch is the same at every one
}

constexpr size_t kMaxStages = 8;  // a training run needs two: full batches and the last one

}  // namespace

StagedExecutor::StagedExecutor(ir::Graph graph, Isa isa, ThreadPool* pool,
                               passes::PassOptions passes)
    : graph_(std::move(graph)),
      options_{isa, pool->threads()},
      passes_(std::move(passes)),
      pool_(pool) {}

Executor& StagedExecutor::stage(int64_t n) {
  const auto found =
      std::find_if(stages_.begin(), stages_.end(), [&](const Stage& s) { return s.batch == n; });
  if (found != stages_.end()) {
    stages_.splice(stages_.begin(), stages_, found);
  } else {
    ir::Graph bound = ir::bind_batch(graph_, n);
    bound.set_name(fmt::format("{}.batch{}", graph_.name(), n));
    const ir::Graph lowered = passes::lower(bound, passes_);
    auto program = std::make_shared<const plan::Program>(plan::plan(lowered, options_));
    stages_.push_front({n, Executor(std::move(program), pool_)});
    if (stages_.size() > kMaxStages) stages_.pop_back();
  }
  return stages_.front().executor;
}

Executor& StagedExecutor::run(const std::map<std::string, Tensor>& inputs, StateStore& states,
                              const StepObserver& observer) {
  Executor& executor = stage(batch_of(graph_, inputs));
  executor.run(inputs, states, observer);
  return executor;
}

}  // namespace hone::exec

// Staging: programs made lazily, one for each set of input types that comes, kept in a bounded
// cache. Many callers may run at once: each borrows an executor of the program that it needs. Who
// needs a program that is being made waits for it; others do not.
#pragma once

#include <list>
#include <mutex>

#include "exec/executor.h"
#include "ir/graph.h"
#include "passes/runner.h"
#include "plan/plan.h"

namespace hone::exec {

/// Types of inputs by name.
using InputTypes = std::map<std::string, TensorType>;
InputTypes types_of(const Tensors& inputs);

/// So many programs are kept: a training run needs two, for full batches and for the last one.
inline constexpr size_t kMaxStages = 8;
/// And so many executors of each, with the memory that they work in, while nobody uses them.
inline constexpr size_t kMaxIdle = 8;

/// A graph of static shapes for inputs of these types. Throws InvalidInput for types that it does
/// not take. Called by several threads at once, for different types.
using GraphSource = std::function<ir::Graph(const InputTypes&)>;

class StagedExecutor {
 public:
  /// A graph that may have kBatch dimensions, which the inputs fix. `pool` must outlive this.
  /// With `memory_limit`, no program's arena takes more bytes (plan/memory_limit.h).
  StagedExecutor(ir::Graph graph, Isa isa, ThreadPool* pool,
                 passes::PassOptions passes = passes::PassOptions::from_environment(),
                 int64_t memory_limit = 0);
  StagedExecutor(GraphSource source, Isa isa, ThreadPool* pool,
                 passes::PassOptions passes = passes::PassOptions::from_environment());
  ~StagedExecutor();
  StagedExecutor(StagedExecutor&&) noexcept;
  StagedExecutor& operator=(StagedExecutor&&) noexcept;

  /// The program for inputs of these types, made now if there is none yet.
  std::shared_ptr<const plan::Program> program(const InputTypes& inputs);

 private:
  struct Stage;

 public:
  /// An executor on loan: others use other ones until this is destroyed.
  class Loan {
   public:
    Loan(std::shared_ptr<Stage> stage, std::unique_ptr<Executor> executor);
    ~Loan();
    Loan(Loan&&) noexcept = default;
    Loan& operator=(Loan&&) = delete;
    Executor* operator->() const { return executor_.get(); }
    Executor& operator*() const { return *executor_; }

   private:
    std::shared_ptr<Stage> stage_;
    std::unique_ptr<Executor> executor_;
  };

  /// An executor for these inputs, which are the ones to run it on.
  Loan borrow(const Tensors& inputs);
  /// Runs; the loan's outputs are those of this run.
  Loan run(const Tensors& inputs, StateStore& states, const StepObserver& observer = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a graph declares of its inputs.
InputTypes input_types(const ir::Graph& graph);
/// The types of inputs when their batch is `n`. Throws InvalidInput, naming the model, if another
/// extent is open.
InputTypes at_batch(std::string_view model, InputTypes declared, int64_t n);
/// `graph` bound to the batch that inputs of these types have. Throws InvalidInput where one is
/// missing or does not fit.
ir::Graph bind_inputs(const ir::Graph& graph, const InputTypes& inputs);

}  // namespace hone::exec

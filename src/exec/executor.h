// Runs a program: step after step, each kernel on the thread pool. It decides nothing.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "base/thread_pool.h"
#include "exec/state_store.h"
#include "plan/program.h"

namespace hone::exec {

/// Inputs or outputs by name.
using Tensors = std::map<std::string, Tensor>;

/// Sees every step after it ran, with its results: a profiler, or a search for the first NaN.
using StepObserver = std::function<void(const plan::Step&, std::span<const kernels::View> results)>;

class Executor {
 public:
  /// Allocates the arena. `pool` must outlive the executor. Where it has more threads than the
  /// program may use, that runs on the caller's alone.
  Executor(std::shared_ptr<const plan::Program> program, ThreadPool* pool);

  /// Runs once. `inputs` by name must have the planned types. States are read from `states` and
  /// their next values written over them. Throws InvalidInput for a missing or wrong input or
  /// state.
  void run(const Tensors& inputs, StateStore& states, const StepObserver& observer = {});

  /// The same, with the outputs written into `outputs`: into the memory of those that are there
  /// with the planned type, into new tensors otherwise. No output may share memory with an
  /// input or another output.
  void run_into(Tensors& outputs, const Tensors& inputs, StateStore& states,
                const StepObserver& observer = {});

  /// A copy of an output of the last `run`.
  Tensor output(std::string_view name) const;
  const plan::Program& program() const { return *program_; }

 private:
  void bind(const std::vector<plan::Binding>& bindings, const Tensors& tensors,
            std::string_view kind);
  void bind_outputs(Tensors& outputs, const Tensors& inputs);
  void execute(const StepObserver& observer);
  std::byte* at(plan::Location l) const {
    return regions_[static_cast<size_t>(l.region)] + l.offset;
  }

  std::shared_ptr<const plan::Program> program_;
  std::unique_ptr<ThreadPool> alone_;  // the caller's thread
  ThreadPool* pool_;
  Tensor arena_;
  Tensors outputs_;  // of `run`
  std::vector<std::byte*> regions_;
  std::vector<kernels::View> operands_, results_;  // of the step that runs
};

}  // namespace hone::exec

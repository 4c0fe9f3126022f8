// The cache of programs by the types of their inputs.
#include "exec/staged.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "ir/bind.h"
#include "passes/pipeline.h"
#include "plan/memory_limit.h"
#include "plan/threads.h"

namespace hone::exec {
namespace {

const TensorType* type_of(const TensorType& type) { return &type; }
const TensorType* type_of(const Tensor& tensor) {
  return tensor.defined() ? &tensor.type() : nullptr;
}

template <class Inputs>
bool fits(const InputTypes& types, const Inputs& inputs) {
  const auto is_given = [](const auto& input) { return type_of(input.second) != nullptr; };
  if (std::count_if(inputs.begin(), inputs.end(), is_given) != std::ssize(types)) return false;
  return std::all_of(types.begin(), types.end(), [&](const auto& expected) {
    const auto found = inputs.find(expected.first);
    const TensorType* given = found == inputs.end() ? nullptr : type_of(found->second);
    return given != nullptr && *given == expected.second;
  });
}

InputTypes to_types(const Tensors& inputs) { return types_of(inputs); }
const InputTypes& to_types(const InputTypes& inputs) { return inputs; }

}  // namespace

/// A program with the executors that nobody uses now. Its lock is held while the program is made:
/// who needs this one waits, and nobody else.
struct StagedExecutor::Stage {
  explicit Stage(InputTypes inputs) : types(std::move(inputs)) {}
  const InputTypes types;
  std::mutex mutex;
  std::shared_ptr<const plan::Program> program;  // null until it is made
  std::vector<std::unique_ptr<Executor>> idle;
};

struct StagedExecutor::Impl {
  GraphSource source;
  plan::PlanOptions options;
  passes::PassOptions passes;
  ThreadPool* pool;
  std::mutex mutex;                          // of the list alone; taken last
  std::list<std::shared_ptr<Stage>> stages;  // the most recently used first

  /// A stage whose program may be still to make.
  template <class Inputs>
  std::shared_ptr<Stage> find(const Inputs& inputs) {
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(stages.begin(), stages.end(),
                                    [&](const auto& s) { return fits(s->types, inputs); });
    if (found != stages.end()) {
      stages.splice(stages.begin(), stages, found);
    } else {
      stages.push_front(std::make_shared<Stage>(to_types(inputs)));
    }
    return stages.front();
  }

  // Only a program that could be made takes the place of another.
  void trim() {
    const std::lock_guard lock(mutex);
    while (stages.size() > kMaxStages) stages.pop_back();
  }

  void forget(const std::shared_ptr<Stage>& stage) {
    const std::lock_guard lock(mutex);
    stages.remove(stage);
  }

  struct Ready {
    std::shared_ptr<Stage> stage;
    std::unique_lock<std::mutex> lock;  // of the stage
  };
  /// The stage, locked, and with its program.
  template <class Inputs>
  Ready ready(const Inputs& inputs) {
    std::shared_ptr<Stage> stage = find(inputs);
    std::unique_lock lock(stage->mutex);
    if (stage->program == nullptr) {
      try {
        const ir::Graph lowered = passes::lower(source(stage->types), passes);
        plan::PlanOptions useful = options;
        useful.threads = plan::useful_threads(lowered, options);
        stage->program =
            std::make_shared<const plan::Program>(plan::plan_within_limit(lowered, useful));
      } catch (...) {
        forget(stage);
        throw;
      }
      trim();
    }
    return {std::move(stage), std::move(lock)};
  }
};

StagedExecutor::StagedExecutor(ir::Graph graph, Isa isa, ThreadPool* pool,
                               passes::PassOptions passes, int64_t memory_limit)
    : StagedExecutor(
          [graph = std::move(graph)](const InputTypes& types) { return bind_inputs(graph, types); },
          isa, pool, std::move(passes)) {
  impl_->options.memory_limit = memory_limit;
}

StagedExecutor::StagedExecutor(GraphSource source, Isa isa, ThreadPool* pool,
                               passes::PassOptions passes)
    : impl_(new Impl{std::move(source),
                     {.isa = isa, .threads = pool->threads()},
                     std::move(passes),
                     pool,
                     {},
                     {}}) {}

StagedExecutor::~StagedExecutor() = default;
StagedExecutor::StagedExecutor(StagedExecutor&&) noexcept = default;
StagedExecutor& StagedExecutor::operator=(StagedExecutor&&) noexcept = default;

StagedExecutor::Loan::Loan(std::shared_ptr<Stage> stage, std::unique_ptr<Executor> executor)
    : stage_(std::move(stage)), executor_(std::move(executor)) {}

StagedExecutor::Loan::~Loan() {
  if (executor_ == nullptr) return;
  const std::lock_guard lock(stage_->mutex);
  if (stage_->idle.size() < kMaxIdle) stage_->idle.push_back(std::move(executor_));
}

std::shared_ptr<const plan::Program> StagedExecutor::program(const InputTypes& inputs) {
  return impl_->ready(inputs).stage->program;
}

StagedExecutor::Loan StagedExecutor::borrow(const Tensors& inputs) {
  auto [stage, lock] = impl_->ready(inputs);
  std::unique_ptr<Executor> executor;
  if (!stage->idle.empty()) {
    executor = std::move(stage->idle.back());
    stage->idle.pop_back();
  }
  lock.unlock();
  if (executor == nullptr) executor = std::make_unique<Executor>(stage->program, impl_->pool);
  return {std::move(stage), std::move(executor)};
}

StagedExecutor::Loan StagedExecutor::run(const Tensors& inputs, StateStore& states,
                                         const StepObserver& observer) {
  Loan loan = borrow(inputs);
  loan->run(inputs, states, observer);
  return loan;
}

InputTypes types_of(const Tensors& inputs) {
  InputTypes out;
  for (const auto& [name, tensor] : inputs)
    if (tensor.defined()) out.emplace(name, tensor.type());
  return out;
}

InputTypes input_types(const ir::Graph& graph) {
  InputTypes out;
  for (ir::ValueId v : graph.inputs()) out.emplace(graph.producer(v).name, graph.type(v));
  return out;
}

InputTypes at_batch(std::string_view model, InputTypes declared, int64_t n) {
  for (auto& [name, type] : declared) {
    if (type.shape.rank() > 0 && type.shape[0] == kBatch) type.shape[0] = n;
    for (int axis = 0; axis < type.shape.rank(); ++axis)
      require(type.shape[axis] != kBatch,
              "{}: input '{}': axis {} is open: give its extent by name", model, name, axis);
  }
  return declared;
}

ir::Graph bind_inputs(const ir::Graph& graph, const InputTypes& inputs) {
  int64_t batch = kBatch;
  for (ir::ValueId v : graph.inputs()) {
    const TensorType& declared = graph.type(v);
    const std::string& name = graph.producer(v).name;
    const auto given = inputs.find(name);
    require(given != inputs.end(), "{}: input '{}' is missing", graph.name(), name);
    const Shape& shape = given->second.shape;
    bool fits = given->second.dtype == declared.dtype && shape.rank() == declared.shape.rank();
    for (int axis = 0; fits && axis < shape.rank(); ++axis) {
      const bool symbolic = declared.shape[axis] == kBatch;
      if (symbolic && batch == kBatch) batch = shape[axis];
      fits = shape[axis] == (symbolic ? batch : declared.shape[axis]);
    }
    require(fits, "{}: input '{}': expected {}{}, found {}", graph.name(), name,
            declared.to_string(), batch == kBatch ? "" : fmt::format(" with N = {}", batch),
            given->second.to_string());
  }
  // A graph without a batch is the same at every one.
  ir::Graph bound = ir::bind_batch(graph, batch == kBatch ? 1 : batch);
  bound.set_name(batch == kBatch ? graph.name() : fmt::format("{}.batch{}", graph.name(), batch));
  return bound;
}

}  // namespace hone::exec

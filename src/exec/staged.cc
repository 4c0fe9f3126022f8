// The cache of programs by the types of their inputs.
#include "exec/staged.h"

#include <algorithm>

#include "base/error.h"
#include "ir/bind.h"
#include "passes/pipeline.h"

namespace hone::exec {
namespace {

constexpr size_t kMaxStages = 8;  // a training run needs two: full batches and the last one

const TensorType* type_of(const TensorType& type) { return &type; }
const TensorType* type_of(const Tensor& tensor) {
  return tensor.defined() ? &tensor.type() : nullptr;
}

template <class Inputs>
bool fits(const plan::Program& program, const Inputs& inputs) {
  return std::all_of(program.inputs.begin(), program.inputs.end(), [&](const plan::Binding& b) {
    const auto found = inputs.find(b.name);
    const TensorType* given = found == inputs.end() ? nullptr : type_of(found->second);
    return given != nullptr && *given == b.type;
  });
}

InputTypes to_types(const Tensors& inputs) { return types_of(inputs); }
const InputTypes& to_types(const InputTypes& inputs) { return inputs; }

}  // namespace

/// A program with the executors that nobody uses now.
struct StagedExecutor::Stage {
  std::shared_ptr<const plan::Program> program;
  std::mutex mutex;
  std::vector<std::unique_ptr<Executor>> idle;
};

struct StagedExecutor::Impl {
  GraphSource source;
  plan::PlanOptions options;
  passes::PassOptions passes;
  ThreadPool* pool;
  std::mutex mutex;
  std::list<std::shared_ptr<Stage>> stages;  // the most recently used first

  /// Who comes while a program is being made waits: it is likely the one that he needs.
  template <class Inputs>
  std::shared_ptr<Stage> stage(const Inputs& inputs) {
    const std::lock_guard lock(mutex);
    const auto found = std::find_if(stages.begin(), stages.end(),
                                    [&](const auto& s) { return fits(*s->program, inputs); });
    if (found != stages.end()) {
      stages.splice(stages.begin(), stages, found);
    } else {
      const ir::Graph lowered = passes::lower(source(to_types(inputs)), passes);
      auto stage = std::make_shared<Stage>();
      stage->program = std::make_shared<const plan::Program>(plan::plan(lowered, options));
      stages.push_front(std::move(stage));
      if (stages.size() > kMaxStages) stages.pop_back();
    }
    return stages.front();
  }
};

StagedExecutor::StagedExecutor(ir::Graph graph, Isa isa, ThreadPool* pool,
                               passes::PassOptions passes)
    : StagedExecutor(
          [graph = std::move(graph)](const InputTypes& types) { return bind_inputs(graph, types); },
          isa, pool, std::move(passes)) {}

StagedExecutor::StagedExecutor(GraphSource source, Isa isa, ThreadPool* pool,
                               passes::PassOptions passes)
    : impl_(new Impl{std::move(source), {isa, pool->threads()}, std::move(passes), pool, {}, {}}) {}

StagedExecutor::~StagedExecutor() = default;
StagedExecutor::StagedExecutor(StagedExecutor&&) noexcept = default;
StagedExecutor& StagedExecutor::operator=(StagedExecutor&&) noexcept = default;

StagedExecutor::Loan::Loan(std::shared_ptr<Stage> stage, std::unique_ptr<Executor> executor)
    : stage_(std::move(stage)), executor_(std::move(executor)) {}

StagedExecutor::Loan::~Loan() {
  if (executor_ == nullptr) return;
  const std::lock_guard lock(stage_->mutex);
  stage_->idle.push_back(std::move(executor_));
}

std::shared_ptr<const plan::Program> StagedExecutor::program(const InputTypes& inputs) {
  return impl_->stage(inputs)->program;
}

StagedExecutor::Loan StagedExecutor::borrow(const Tensors& inputs) {
  std::shared_ptr<Stage> stage = impl_->stage(inputs);
  std::unique_ptr<Executor> executor;
  {
    const std::lock_guard lock(stage->mutex);
    if (!stage->idle.empty()) {
      executor = std::move(stage->idle.back());
      stage->idle.pop_back();
    }
  }
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

InputTypes input_types(const ir::Graph& graph, int64_t n) {
  InputTypes out;
  for (ir::ValueId v : graph.inputs()) {
    TensorType type = graph.type(v);
    for (int axis = 0; axis < type.shape.rank(); ++axis)
      if (type.shape[axis] == kBatch) type.shape[axis] = n;
    out.emplace(graph.producer(v).name, std::move(type));
  }
  return out;
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

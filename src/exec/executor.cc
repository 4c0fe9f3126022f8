// The executor's one loop.
#include "exec/executor.h"

#include <cstring>

#include "base/error.h"
#include "base/fp_state.h"

namespace hone::exec {
namespace {

bool overlap(const Tensor& a, const Tensor& b) {
  return a.raw() < b.raw() + b.bytes() && b.raw() < a.raw() + a.bytes();
}

}  // namespace

Executor::Executor(std::shared_ptr<const plan::Program> program, ThreadPool* pool)
    : program_(std::move(program)), pool_(pool), arena_(DType::u8, {program_->arena_bytes}) {
  if (pool->threads() > program_->threads) {
    alone_ = std::make_unique<ThreadPool>(1);
    pool_ = alone_.get();
  }
  regions_.resize(static_cast<size_t>(program_->regions()), nullptr);
  regions_[0] = arena_.raw();
  const size_t first = static_cast<size_t>(program_->outputs_from()) - program_->constants.size();
  for (size_t i = 0; i < program_->constants.size(); ++i) {
    // Kernels only read constants; a View has no const twin.
    regions_[first + i] = const_cast<std::byte*>(program_->constants[i].raw());
  }
}

// What is formatted only for an error is formatted only then: a run allocates nothing.
void Executor::bind(const std::vector<plan::Binding>& bindings, const Tensors& tensors,
                    std::string_view kind) {
  for (const plan::Binding& b : bindings) {
    const auto found = tensors.find(b.name);
    if (found == tensors.end() || !found->second.defined())
      fail(ErrorKind::InvalidInput, "{}: {} '{}' is missing", program_->name, kind, b.name);
    if (found->second.type() != b.type)
      fail(ErrorKind::InvalidInput, "{}: {} '{}': expected {}, found {}", program_->name, kind,
           b.name, b.type.to_string(), found->second.type().to_string());
    regions_[static_cast<size_t>(b.at.region)] = const_cast<std::byte*>(found->second.raw());
  }
}

void Executor::bind_outputs(Tensors& outputs, const Tensors& inputs) {
  for (const plan::Binding& b : program_->outputs) {
    auto found = outputs.find(b.name);
    if (found == outputs.end()) found = outputs.emplace(b.name, Tensor()).first;
    Tensor& output = found->second;
    if (!output.defined() || output.type() != b.type) output = Tensor(b.type.dtype, b.type.shape);
    for (const auto& [name, input] : inputs) {
      if (overlap(output, input))
        fail(ErrorKind::InvalidInput, "{}: output '{}' shares memory with input '{}'",
             program_->name, b.name, name);
    }
    for (const plan::Binding* other = program_->outputs.data(); other != &b; ++other) {
      if (overlap(output, outputs.at(other->name)))
        fail(ErrorKind::InvalidInput, "{}: output '{}' shares memory with output '{}'",
             program_->name, b.name, other->name);
    }
    regions_[static_cast<size_t>(b.at.region)] = output.raw();
  }
}

void Executor::execute(const StepObserver& observer) {
  const FpState fp;
  for (const plan::Step& step : program_->steps) {
    operands_.clear();
    results_.clear();
    for (size_t i = 0; i < step.operands.size(); ++i)
      operands_.push_back({at(step.operands[i]), &step.operand_types[i]});
    for (size_t i = 0; i < step.results.size(); ++i)
      results_.push_back({at(step.results[i]), &step.result_types[i]});
    step.kernel->run({operands_, results_, regions_[0] + step.workspace, pool_,
                      regions_[0] + step.scratch, step.scratch_step});
    if (observer) observer(step, results_);
  }
  for (const plan::Copy& copy : program_->copies)
    std::memcpy(at(copy.to), at(copy.from), static_cast<size_t>(copy.bytes));
}

void Executor::run(const Tensors& inputs, StateStore& states, const StepObserver& observer) {
  run_into(outputs_, inputs, states, observer);
}

void Executor::run_into(Tensors& outputs, const Tensors& inputs, StateStore& states,
                        const StepObserver& observer) {
  bind(program_->inputs, inputs, "input");
  bind(program_->states, states, "state");
  bind_outputs(outputs, inputs);
  execute(observer);
}

Tensor Executor::output(std::string_view name) const {
  const auto found = outputs_.find(std::string(name));
  require(found != outputs_.end(), "{}: no output named '{}'", program_->name, name);
  return found->second.clone();
}

}  // namespace hone::exec

// The executor's one loop.
#include "exec/executor.h"

#include <cstring>

#include "base/error.h"
#include "base/fp_state.h"

namespace hone::exec {

Executor::Executor(std::shared_ptr<const plan::Program> program, ThreadPool* pool)
    : program_(std::move(program)), pool_(pool), arena_(DType::u8, {program_->arena_bytes}) {
  regions_.resize(static_cast<size_t>(program_->regions()), nullptr);
  regions_[0] = arena_.raw();
  const size_t first = regions_.size() - program_->constants.size();
  for (size_t i = 0; i < program_->constants.size(); ++i) {
    // Kernels only read constants; a View has no const twin.
    regions_[first + i] = const_cast<std::byte*>(program_->constants[i].raw());
  }
}

void Executor::bind(const std::vector<plan::Binding>& bindings,
                    const std::map<std::string, Tensor>& tensors, std::string_view kind) {
  for (const plan::Binding& b : bindings) {
    const auto found = tensors.find(b.name);
    require(found != tensors.end() && found->second.defined(), "{}: {} '{}' is missing",
            program_->name, kind, b.name);
    require(found->second.type() == b.type, "{}: {} '{}': expected {}, found {}", program_->name,
            kind, b.name, b.type.to_string(), found->second.type().to_string());
    regions_[static_cast<size_t>(b.at.region)] = const_cast<std::byte*>(found->second.raw());
  }
}

void Executor::run(const std::map<std::string, Tensor>& inputs, StateStore& states,
                   const StepObserver& observer) {
  bind(program_->inputs, inputs, "input");
  bind(program_->states, states, "state");
  const FpState fp;
  for (const plan::Step& step : program_->steps) {
    operands_.clear();
    results_.clear();
    for (size_t i = 0; i < step.operands.size(); ++i)
      operands_.push_back({at(step.operands[i]), &step.operand_types[i]});
    for (size_t i = 0; i < step.results.size(); ++i)
      results_.push_back({at(step.results[i]), &step.result_types[i]});
    step.kernel->run({operands_, results_, regions_[0] + step.workspace, pool_});
    if (observer) observer(step, results_);
  }
  for (const plan::Copy& copy : program_->copies)
    std::memcpy(at(copy.to), at(copy.from), static_cast<size_t>(copy.bytes));
}

Tensor Executor::output(std::string_view name) const {
  for (const plan::Binding& b : program_->outputs) {
    if (b.name != name) continue;
    Tensor out(b.type.dtype, b.type.shape);
    std::memcpy(out.raw(), at(b.at), static_cast<size_t>(b.type.bytes()));
    return out;
  }
  fail(ErrorKind::InvalidInput, "{}: no output named '{}'", program_->name, name);
}

}  // namespace hone::exec

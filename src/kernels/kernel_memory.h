// The memory that a kernel needs while it runs, for those who run one outside of any program.
#pragma once

#include <cstring>
#include <span>

#include "kernels/blocks.h"
#include "kernels/kernel.h"

namespace hone::kernels {

class KernelMemory {
 public:
  KernelMemory(const Kernel& kernel, int threads)
      : workspace_(DType::u8, {kernel.workspace_bytes()}),
        step_(round_up(kernel.scratch_bytes(), 64)),
        scratch_(DType::u8, {threads * step_}) {}

  /// With this in each byte, what is read before it is written shows.
  void fill(int byte) {
    for (Tensor* memory : {&workspace_, &scratch_})
      std::memset(memory->raw(), byte, static_cast<size_t>(memory->bytes()));
  }

  /// A call on at most so many threads.
  Call call(std::span<const View> operands, std::span<const View> results, ThreadPool* pool) {
    return {operands, results, workspace_.raw(), pool, scratch_.raw(), step_};
  }

 private:
  Tensor workspace_;
  int64_t step_;
  Tensor scratch_;
};

}  // namespace hone::kernels

// What this machine can do, and what hone reaches of it: measured, not looked up.
#pragma once

#include "base/cpu.h"
#include "base/thread_pool.h"

namespace hone::exec {

struct MachineReport {
  double fma_peak_gflops;  ///< one core, multiply-adds in registers
  double gemm_gflops;      ///< one core, hone's matmul of two 1024 x 1024 matrices
  double gemm_all_gflops;  ///< the same on all threads of the pool
  double bandwidth_gb_s;   ///< all threads, reading and writing memory beyond the caches
};

/// Takes about a second. `isa` is avx2 or higher.
MachineReport measure_machine(Isa isa, ThreadPool* pool);

}  // namespace hone::exec

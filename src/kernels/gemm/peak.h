// What the cores can do at most: the yardstick of every contraction.
#pragma once

#include "base/cpu.h"
#include "base/function_ref.h"

namespace hone::kernels {

/// `work` is a short run, and returns how much it has done: how much that is in a second, in the
/// best of several runs.
double best_rate(FunctionRef<double()> work);

/// GFLOP/s of one thread that does nothing but fused multiply-adds in registers, at a level of avx2
/// or higher. Takes about 2 ms, and gives the best of several short runs.
double measure_fma_peak_gflops(Isa isa);

}  // namespace hone::kernels

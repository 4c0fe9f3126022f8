// What the benches of kernels share: random operands, and runs measured in turn with the machine's
// peak between them, so that a machine that slows down slows all of them alike.
#pragma once

#include <hone/tensor.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/rng.h"
#include "kernels/gemm/peak.h"

namespace hone::kernels {

inline Tensor random_tensor(Shape shape, uint64_t key) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<float>()[i] = unit_float(philox(key, 0, static_cast<uint64_t>(i)).v[0]) - 0.5f;
  return t;
}

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + std::ssize(values) / 2, values.end());
  return values[values.size() / 2];
}

/// Calls `measure` of one run after another for so many seconds; returns the greatest FMA peak of
/// one thread, in GFLOP/s, that was measured between the rounds.
template <class Run>
double measure_in_turn(const std::vector<std::unique_ptr<Run>>& runs, Isa isa, double seconds) {
  double peak = 0;
  const auto start = std::chrono::steady_clock::now();
  do {
    for (const auto& run : runs) run->measure();
    peak = std::max(peak, measure_fma_peak_gflops(isa));
  } while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() <
           seconds);
  return peak;
}

/// Calls bench(level, threads, seconds) for every level of this machine that has vectors, on one
/// thread and on two; the seconds are the command line's first argument, or 3.
template <class Bench>
void bench_levels(int argc, char** argv, Bench&& bench) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3.0;
  for (Isa isa : available_isas())
    for (int threads : {1, 2})
      if (isa >= Isa::avx2) bench(isa, threads, seconds);
}

}  // namespace hone::kernels

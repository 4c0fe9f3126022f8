// Independent chains of FMAs, enough of them to hide the latency on two ports.
#include "kernels/gemm/peak.h"

#include <algorithm>
#include <chrono>

#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm/peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kChains = 12;

// Does `rounds` FMAs on each chain; returns the floating-point operations done. `sink` keeps the
// compiler from dropping the work.
double fma_rounds(int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> chain[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) chain[i] = hn::Set(d, static_cast<float>(i) + *sink);
  const auto factor = hn::Set(d, 0.5f + *sink);
  const auto term = hn::Set(d, 1.0f);
  for (int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 16
    for (auto& c : chain) c = hn::MulAdd(c, factor, term);
  auto sum = chain[0];
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) sum = hn::Add(sum, chain[i]);
  *sink = hn::GetLane(sum) * 0.0f;
  return 2.0 * static_cast<double>(rounds) * kChains * static_cast<double>(hn::Lanes(d));
}

}  // namespace

constexpr auto kFmaRounds = &fma_rounds;

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {

double best_rate(FunctionRef<double()> work) {
  constexpr int kRuns = 20;
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const double done = work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, done / seconds.count());
  }
  return best;
}

double measure_fma_peak_gflops(Isa isa) {
  const auto fma_rounds = HONE_FOR_ISA(isa, kFmaRounds);
  constexpr int64_t kRounds = 20000;
  float sink = 0;
  return 1e-9 * best_rate([&] { return fma_rounds(kRounds, &sink); });
}

}  // namespace hone::kernels
#endif

// hone doctor: what this machine is, can do, and what hone reaches of it.
#include <fmt/core.h>

#include <algorithm>

#include "cli/command.h"
#include "exec/machine.h"
#include "kernels/gemm/peak.h"
#include "kernels/int8/peak.h"

namespace hone::cli {
namespace {

// Of all threads at once: threads that share a core, or its power, have less than one alone.
double peak_of_all(ThreadPool& pool, FunctionRef<double()> peak_of_one) {
  constexpr int kTrials = 8;
  std::vector<double> of_one(static_cast<size_t>(kTrials * pool.threads()));
  pool.run(static_cast<int64_t>(of_one.size()),
           [&](int64_t i, int) { of_one[static_cast<size_t>(i)] = peak_of_one(); });
  const auto middle = of_one.begin() + static_cast<std::ptrdiff_t>(of_one.size() / 2);
  std::nth_element(of_one.begin(), middle, of_one.end());
  return *middle * pool.threads();
}

void doctor(const Common& common) {
  const Isa isa = default_isa();
  ThreadPool pool(common.threads);
  std::string levels;
  for (Isa level : available_isas())
    levels += (levels.empty() ? "" : " ") + std::string(name_of(level));
  say(common, fmt::format("CPU          {}", cpu_model()));
  say(common, fmt::format("cores        {} usable, {} threads", usable_cores(), pool.threads()));
  say(common, fmt::format("ISA          {} (has: {})", name_of(isa), levels));
  nlohmann::json object = {{"cpu", cpu_model()},        {"cores", usable_cores()},
                           {"threads", pool.threads()}, {"isa", name_of(isa)},
                           {"fma_gflops", nullptr},     {"int8_gmacs", nullptr},
                           {"bandwidth_gb_s", nullptr}};
  if (isa == Isa::scalar) {
    say(common,
        "nothing to measure at the scalar level: it is the definition of the bits, not of speed");
  } else {
    const exec::MachineReport m = exec::measure_machine(isa, &pool);
    const double fma_all = peak_of_all(pool, [&] { return kernels::measure_fma_peak_gflops(isa); });
    say(common, fmt::format("FMA peak     {:.1f} GFLOP/s on one core, {:.1f} on {} threads",
                            m.fma_peak_gflops, fma_all, pool.threads()));
    say(common,
        fmt::format(
            "gemm 1024    {:.1f} GFLOP/s on one core ({:.0f}% of the peak), {:.1f} on {} threads",
            m.gemm_gflops, 100 * m.gemm_gflops / m.fma_peak_gflops, m.gemm_all_gflops,
            pool.threads()));
    if (const std::optional<double> int8 = kernels::measure_int8_peak_gmacs(isa)) {
      const double int8_all =
          peak_of_all(pool, [&] { return *kernels::measure_int8_peak_gmacs(isa); });
      say(common, fmt::format("8-bit peak   {:.1f} GMAC/s on one core, {:.1f} on {} threads", *int8,
                              int8_all, pool.threads()));
      object.update({{"int8_gmacs", *int8}, {"int8_all_gmacs", int8_all}});
    }
    say(common, fmt::format("memory       {:.1f} GB/s", m.bandwidth_gb_s));
    object.update({{"fma_gflops", m.fma_peak_gflops},
                   {"fma_all_gflops", fma_all},
                   {"gemm_gflops", m.gemm_gflops},
                   {"gemm_all_gflops", m.gemm_all_gflops},
                   {"bandwidth_gb_s", m.bandwidth_gb_s}});
  }
  say_json(common, object);
}

}  // namespace

void add_doctor(CLI::App& app, Common& common) {
  add_command(app, "doctor", "Tell what this machine can do and what hone reaches of it", common,
              [&common] { doctor(common); });
}

}  // namespace hone::cli

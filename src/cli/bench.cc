// hone bench MODEL.onnx: how long one run takes, and how many samples a second.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/dtype.h"
#include "cli/measured.h"
#include "cli/table.h"
#include "cli/usage.h"

namespace hone::cli {
namespace {

struct BenchArgs {
  MeasureArgs measure;
  double seconds = 1;
  int64_t runs = 30;
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of sorted values, the least that a fraction `q` of them do not exceed.
double percentile(const std::vector<double>& sorted, double q) {
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  return sorted[static_cast<size_t>(std::max(1.0, rank)) - 1];
}

/// Microseconds of each run, sorted. Warm-up is a tenth of what is measured.
std::vector<double> measure(const Measured& measured, const BenchArgs& args) {
  Tensors outputs;
  const auto repeat = [&](double least_seconds, int64_t least_runs, auto&& record) {
    const Clock::time_point start = Clock::now();
    for (int64_t i = 0; i < least_runs || seconds_since(start) < least_seconds; ++i) {
      const Clock::time_point begin = Clock::now();
      measured.session.run(measured.inputs, outputs);
      record(1e6 * seconds_since(begin));
    }
  };
  repeat(args.seconds / 10, (args.runs + 9) / 10, [](double) {});
  std::vector<double> out;
  repeat(args.seconds, args.runs, [&](double us) { out.push_back(us); });
  std::sort(out.begin(), out.end());
  return out;
}

/// What most of the arithmetic is done in.
const char* precision_of(const plan::Program& program) {
  int64_t all = 0, of_bytes = 0;
  for (const plan::Step& step : program.steps) {
    all += step.flops;
    if (!step.operand_types.empty() && is_byte(step.operand_types[0].dtype)) of_bytes += step.flops;
  }
  return 2 * of_bytes > all ? "int8" : "fp32";
}

void bench(const BenchArgs& args, const Common& common) {
  const Measured measured = Measured::load(args.measure, common);
  const std::vector<double> us = measure(measured, args);
  double total = 0;
  for (double t : us) total += t;
  const double throughput =
      1e6 * static_cast<double>(args.measure.batch) * static_cast<double>(us.size()) / total;
  const double median = percentile(us, 0.5);
  const double p90 = percentile(us, 0.9);
  const double p99 = percentile(us, 0.99);
  say(common, measured.describe(args.measure));
  Table table({{"us a run", false}, {"min", true}, {"median", true}, {"p90", true}, {"p99", true}});
  table.add({fmt::format("{} runs", us.size()), fmt::format("{:.1f}", us.front()),
             fmt::format("{:.1f}", median), fmt::format("{:.1f}", p90),
             fmt::format("{:.1f}", p99)});
  say(common, table.to_text(terminal_columns(STDOUT_FILENO)));
  say(common, fmt::format("{:.1f} samples/s; {} bytes of memory beside the weights", throughput,
                          grouped(measured.program->arena_bytes)));
  say_json(common,
           {{"latency_us", {{"min", us.front()}, {"median", median}, {"p90", p90}, {"p99", p99}}},
            {"throughput", throughput},
            {"batch", args.measure.batch},
            {"threads", measured.threads()},
            {"precision", precision_of(*measured.program)},
            {"peak_bytes", measured.program->arena_bytes},
            {"runs", us.size()},
            {"model", args.measure.model}});
}

}  // namespace

void add_bench(CLI::App& app, Common& common) {
  auto args = std::make_shared<BenchArgs>();
  CLI::App* c = add_command(app, "bench", "Measure latency and throughput on random input", common,
                            [args, &common] { bench(*args, common); });
  add_measure_options(*c, args->measure);
  c->add_option("--seconds", args->seconds, "Measure at least so long (default: 1)")
      ->type_name("S")
      ->check(positive_number());
  c->add_option("--runs", args->runs, "Measure at least so many runs (default: 30)")
      ->type_name("N")
      ->check(whole_number(1, INT32_MAX));
}

}  // namespace hone::cli

// hone profile MODEL.onnx: which steps of the program take the time, and how near each comes to
// what the machine can do.
#include <fmt/core.h>
#include <unistd.h>

#include <optional>

#include "base/error.h"
#include "cli/measured.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "exec/machine.h"
#include "exec/profiler.h"
#include "io/file.h"

namespace hone::cli {
namespace {

using exec::Usage;

struct ProfileArgs {
  MeasureArgs measure;
  std::string trace;
  int64_t runs = 30;
  bool by_layer = false;
};

/// What all threads could do at best; nothing at the scalar level.
struct Peak {
  double gflops = 0;
  double gb_s = 0;
};

std::optional<Peak> measure_peak(ThreadPool& pool) {
  if (default_isa() == Isa::scalar) return std::nullopt;
  const exec::MachineReport m = exec::measure_machine(default_isa(), &pool);
  return Peak{m.fma_peak_gflops * pool.threads(), m.bandwidth_gb_s};
}

double rate(double amount, double seconds) { return seconds > 0 ? 1e-9 * amount / seconds : 0; }

double total_seconds(const std::vector<Usage>& usages) {
  double out = 0;
  for (const Usage& u : usages) out += u.seconds;
  return out;
}

nlohmann::json to_json(const std::vector<Usage>& usages, const std::optional<Peak>& peak) {
  const double total = total_seconds(usages);
  nlohmann::json out = nlohmann::json::array();
  for (const Usage& u : usages) {
    const double gflops = rate(u.flops, u.seconds);
    const double gb_s = rate(u.bytes, u.seconds);
    nlohmann::json row = {{"calls", u.calls},
                          {"total_us", 1e6 * u.seconds},
                          {"share", total > 0 ? u.seconds / total : 0},
                          {"gflops", gflops},
                          {"gb_s", gb_s}};
    if (!u.name.empty()) row["name"] = u.name;
    if (!u.kernel.empty()) row["kernel"] = u.kernel;
    row["peak_share"] = peak ? nlohmann::json(gflops / peak->gflops) : nlohmann::json();
    out.push_back(std::move(row));
  }
  return out;
}

std::string to_text(const std::string& title, const std::vector<Usage>& usages, double runs,
                    const std::optional<Peak>& peak, bool kernels) {
  std::vector<Table::Column> columns = {{title}};
  if (!kernels) columns.push_back({"kernel"});
  for (const char* number : {"calls", "us/run", "share", "GFLOP/s", "peak", "GB/s"})
    columns.push_back({number, true});
  Table table(std::move(columns));
  const double total = total_seconds(usages);
  for (const Usage& u : usages) {
    std::vector<std::string> cells = {kernels ? u.kernel : u.name};
    if (!kernels) cells.push_back(u.kernel.empty() ? "several" : u.kernel);
    const double gflops = rate(u.flops, u.seconds);
    cells.push_back(std::to_string(u.calls));
    cells.push_back(fmt::format("{:.1f}", 1e6 * u.seconds / runs));
    cells.push_back(fmt::format("{:.1f}%", total > 0 ? 100 * u.seconds / total : 0));
    cells.push_back(u.flops > 0 ? fmt::format("{:.1f}", gflops) : "");
    cells.push_back(u.flops > 0 && peak ? fmt::format("{:.0f}%", 100 * gflops / peak->gflops) : "");
    cells.push_back(fmt::format("{:.1f}", rate(u.bytes, u.seconds)));
    table.add(std::move(cells));
  }
  return table.to_text(terminal_columns(STDOUT_FILENO));
}

void profile(const ProfileArgs& args, const Common& common) {
  const Measured measured = Measured::load(args.measure, common);
  const SessionImpl& session = SessionImpl::of(measured.session);
  exec::Profiler profiler(measured.program);
  Tensors outputs;
  for (int64_t i = 0; i < args.runs / 5 + 1; ++i) measured.session.run(measured.inputs, outputs);
  for (int64_t i = 0; i < args.runs; ++i) {
    profiler.start();
    session.run(measured.inputs, outputs, profiler.observer());
  }
  if (!args.trace.empty()) io::write_file(args.trace, profiler.trace());
  const std::optional<Peak> peak = measure_peak(*session.pool);
  const std::vector<Usage> steps = profiler.steps();
  const std::vector<Usage> layers = profiler.by_layer();
  const std::vector<Usage> kernels = profiler.by_kernel();
  const double total = total_seconds(steps);
  double flops = 0;
  for (const Usage& u : steps) flops += u.flops;

  const auto runs = static_cast<double>(args.runs);
  say(common, measured.describe(args.measure));
  say(common, args.by_layer ? to_text("layer", layers, runs, peak, false)
                            : to_text("step", steps, runs, peak, false));
  say(common, "\n" + to_text("kernel", kernels, runs, peak, true));
  say(common,
      fmt::format("\n{:.1f} us a run over {} runs, {:.1f} GFLOP/s{}", 1e6 * total / runs, args.runs,
                  rate(flops, total),
                  peak ? fmt::format(" of {:.1f} measured at best in fp32; memory {:.1f} GB/s",
                                     peak->gflops, peak->gb_s)
                       : ""));
  if (!args.trace.empty())
    say(common,
        fmt::format("{}: one run, for Perfetto (ui.perfetto.dev) or chrome://tracing", args.trace));
  say_json(common, {{"model", args.measure.model},
                    {"batch", args.measure.batch},
                    {"threads", measured.threads()},
                    {"runs", args.runs},
                    {"us_per_run", 1e6 * total / runs},
                    {"gflops", rate(flops, total)},
                    {"peak_gflops", peak ? nlohmann::json(peak->gflops) : nlohmann::json()},
                    {"peak_gb_s", peak ? nlohmann::json(peak->gb_s) : nlohmann::json()},
                    {"steps", to_json(steps, peak)},
                    {"layers", to_json(layers, peak)},
                    {"kernels", to_json(kernels, peak)}});
}

}  // namespace

void add_profile(CLI::App& app, Common& common) {
  auto args = std::make_shared<ProfileArgs>();
  CLI::App* c = add_command(app, "profile", "Show where the time of a model goes", common,
                            [args, &common] { profile(*args, common); });
  add_measure_options(*c, args->measure);
  c->add_option("--trace", args->trace, "Write one run as a trace that Perfetto opens")
      ->type_name("FILE");
  c->add_option("--runs", args->runs, "How many runs to measure (default: 30)")
      ->type_name("N")
      ->check(whole_number(1, 1000000));
  c->add_flag("--by-layer", args->by_layer, "Add up the steps of each layer");
}

}  // namespace hone::cli

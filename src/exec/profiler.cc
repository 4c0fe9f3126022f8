// A step lasts from the end of the one before it: what lies between two steps is a few stores.
#include "exec/profiler.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace hone::exec {
namespace {

double seconds(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string shown_name(const plan::Step& step) {
  return std::string(plan::shown_name(step.name, step.op));
}

double bytes_of(const plan::Step& step) {
  int64_t out = 0;
  for (const auto* types : {&step.operand_types, &step.result_types})
    for (const TensorType& t : *types) out += t.bytes();
  return static_cast<double>(out);
}

template <class Key>
std::vector<Usage> grouped(const std::vector<Usage>& steps, Key&& key) {
  std::map<std::string, Usage> groups;
  for (const Usage& step : steps) {
    Usage& group = groups.try_emplace(key(step), Usage{step.name, step.kernel}).first->second;
    if (group.name != step.name) group.name.clear();
    if (group.kernel != step.kernel) group.kernel.clear();
    group.calls += step.calls;
    group.seconds += step.seconds;
    group.flops += step.flops;
    group.bytes += step.bytes;
  }
  std::vector<Usage> out;
  out.reserve(groups.size());
  for (auto& [_, group] : groups) out.push_back(std::move(group));
  std::stable_sort(out.begin(), out.end(),
                   [](const Usage& a, const Usage& b) { return a.seconds > b.seconds; });
  return out;
}

}  // namespace

Profiler::Profiler(std::shared_ptr<const plan::Program> program)
    : program_(std::move(program)), records_(program_->steps.size()) {}

void Profiler::start() { run_ = last_ = Clock::now(); }

StepObserver Profiler::observer() {
  return [this](const plan::Step& step, std::span<const kernels::View>) { record(step); };
}

void Profiler::record(const plan::Step& step) {
  const Clock::time_point now = Clock::now();
  Record& r = records_[static_cast<size_t>(&step - program_->steps.data())];
  r.total += now - last_;
  ++r.calls;
  r.begin = last_;
  r.end = now;
  last_ = Clock::now();
}

std::vector<Usage> Profiler::steps() const {
  std::vector<Usage> out;
  for (size_t i = 0; i < records_.size(); ++i) {
    const plan::Step& step = program_->steps[i];
    const auto calls = static_cast<double>(records_[i].calls);
    out.push_back({shown_name(step), std::string(step.kernel_name), records_[i].calls,
                   seconds(records_[i].total), calls * static_cast<double>(step.flops),
                   calls * bytes_of(step)});
  }
  return out;
}

std::vector<Usage> Profiler::by_layer() const {
  std::vector<Usage> all = steps();
  for (Usage& u : all) u.name = layer_of(u.name);
  return grouped(all, [](const Usage& u) { return u.name; });
}

std::vector<Usage> Profiler::by_kernel() const {
  return grouped(steps(), [](const Usage& u) { return u.kernel; });
}

std::string Profiler::trace() const {
  const auto us = [](Clock::duration d) { return 1e6 * seconds(d); };
  nlohmann::json events = nlohmann::json::array();
  for (size_t i = 0; i < records_.size(); ++i) {
    if (records_[i].calls == 0) continue;
    const plan::Step& step = program_->steps[i];
    nlohmann::json args = {{"op", step.op}, {"flops", step.flops}, {"bytes", bytes_of(step)}};
    for (const TensorType& t : step.operand_types) args["operands"].push_back(t.to_string());
    for (const TensorType& t : step.result_types) args["results"].push_back(t.to_string());
    events.push_back({{"name", shown_name(step)},
                      {"cat", step.kernel_name},
                      {"ph", "X"},
                      {"ts", us(records_[i].begin - run_)},
                      {"dur", us(records_[i].end - records_[i].begin)},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", std::move(args)}});
  }
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"tid", 1},
                    {"args", {{"name", program_->name}}}});
  const nlohmann::json trace = {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
  return trace.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string layer_of(const std::string& node) {
  const size_t slash = node.rfind('/');
  return slash == std::string::npos || slash == 0 ? node : node.substr(0, slash);
}

}  // namespace hone::exec

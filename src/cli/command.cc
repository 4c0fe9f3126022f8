// The common parts of the subcommands.
#include "cli/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <limits>

#include "base/error.h"
#include "base/printable.h"
#include "cli/usage.h"

namespace hone::cli {
namespace {

constexpr int64_t kMostThreads = 1024;

constexpr int kInterrupts[] = {SIGINT, SIGTERM};

std::atomic<int> interrupt_seen{0};

void on_interrupt(int signal) {
  interrupt_seen = signal;
  for (int other : kInterrupts) std::signal(other, SIG_DFL);
}

}  // namespace

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& what,
                      Common& common, std::function<void()> run) {
  CLI::App* command = app.add_subcommand(name, what);
  command->add_flag("--json", common.json, "Print one JSON object on stdout, nothing else there");
  command->add_flag("--quiet", common.quiet, "Show no progress");
  command->add_option("--threads", common.threads, "Threads (default: every core hone may use)")
      ->type_name("N")
      ->check(whole_number(1, kMostThreads));
  command->add_option("--seed", common.seed, "Seed of everything random (default: 0)")
      ->type_name("N")
      ->check(whole_number(0, std::numeric_limits<int64_t>::max()));
  command->callback(std::move(run));
  return command;
}

void say(const Common& common, const std::string& line) {
  if (!common.json) std::cout << printable_lines(line) << '\n' << std::flush;
}

void say_json(const Common& common, const nlohmann::json& object) {
  // A name in a file need not be UTF-8; JSON must be.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  if (common.json) std::cout << object.dump(2, ' ', false, kReplace) << '\n' << std::flush;
}

nlohmann::json number(double x) { return std::isnan(x) ? nlohmann::json() : nlohmann::json(x); }

void exit_on_interrupt() {
  for (int signal : kInterrupts) std::signal(signal, [](int seen) { _exit(128 + seen); });
}
void watch_for_interrupts() {
  for (int signal : kInterrupts) std::signal(signal, on_interrupt);
}
bool interrupted() { return interrupt_seen != 0; }
int interrupted_exit_code() { return 128 + interrupt_seen; }

std::string command_line(int argc, char** argv) {
  std::string out;
  for (int i = 0; i < argc; ++i) {
    if (i > 0) out += " ";
    const std::string word = argv[i];
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_=./,:+") == std::string::npos;
    if (plain) {
      out += word;
      continue;
    }
    out += "'";
    for (char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += "'";
  }
  return out;
}

void check_fits(const std::string& file, const Model& model, const data::Dataset& data) {
  const std::vector<int64_t>& dims = data.images.shape().dims();
  const Shape sample(std::vector<int64_t>(dims.begin() + 1, dims.end()));
  require(model.sample_shape() == sample, "'{}' takes images of shape {}, '{}' has {}", file,
          model.sample_shape(), data.name, sample);
  const Shape logits = model.output_shape();
  const int64_t classes = logits.rank() == 2 ? logits[1] : data.classes();
  require(data.classes() <= classes, "'{}' has {} classes, '{}' has {}", file, classes, data.name,
          data.classes());
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const int64_t s = std::llround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
}

std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  const size_t first = digits[0] == '-' ? 1 : 0;
  for (size_t i = digits.size(); i > first + 3;) digits.insert(i -= 3, ",");
  return digits;
}

}  // namespace hone::cli

// Drawing within the terminal's width, at most ten times a second.
#include "cli/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/command.h"

namespace hone::cli {
namespace {

constexpr size_t kEcho = 2;  // columns for the ^C that a terminal echoes, so that it does not wrap

size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double done, size_t cells) {
  const size_t full = std::min(cells, static_cast<size_t>(done * static_cast<double>(cells)));
  return "[" + std::string(full, '#') + std::string(cells - full, '.') + "]";
}

}  // namespace

ProgressLine::ProgressLine(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) == 1) {}
ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::clear() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

void ProgressLine::step(const Progress& p) {
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || !terminal_ || (p.step < p.steps && now - last_ < std::chrono::milliseconds(100)))
    return;
  last_ = now;
  // What is left out first where the line is too short for all stands last.
  const double done = static_cast<double>(p.step) / static_cast<double>(p.steps);
  const std::string parts[] = {
      fmt::format("{:3.0f}% {}/{}", 100 * done, p.epoch + 1, p.epochs),
      fmt::format("  {} left", duration(p.seconds_left)), fmt::format("  loss {:.4f}", p.loss),
      std::isnan(p.accuracy) ? "" : fmt::format("  acc {:.2f}%", 100 * p.accuracy),
      fmt::format("  {:.0f}/s", p.samples_per_s)};
  const size_t width = terminal_width() - std::min<size_t>(terminal_width(), kEcho + 1);
  std::string line;
  for (const std::string& part : parts) {
    if (line.size() + part.size() > width) break;
    line += part;
  }
  if (line.size() + 12 < width)
    line = bar(done, std::min<size_t>(30, width - line.size() - 3)) + " " + line;
  fmt::print(stderr, "\r{}\033[K", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::epoch(int index, int epochs, const Epoch& e) {
  if (quiet_) return;
  clear();
  // Within 80 columns.
  std::string line = fmt::format("epoch {}/{}", index + 1, epochs);
  const auto add = [&](std::string_view what, double loss, double accuracy) {
    if (!std::isnan(loss)) line += fmt::format("  {} {:.4f}", what, loss);
    if (!std::isnan(accuracy)) line += fmt::format(" acc {:.2f}%", 100 * accuracy);
  };
  add("loss", e.loss, e.accuracy);
  add("val loss", e.validation_loss, e.validation_accuracy);
  fmt::print(stderr, "{}  {:.1f} s {:.0f}/s\n", line, e.seconds, e.samples_per_s);
}

void ProgressLine::warn(const std::string& what) {
  clear();
  fmt::print(stderr, "hone: warning: {}\n", what);
}

}  // namespace hone::cli

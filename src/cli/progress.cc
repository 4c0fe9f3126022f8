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
  std::string text =
      fmt::format(" {}/{}  {:.0f}/s  loss {:.4f}", p.epoch + 1, p.epochs, p.samples_per_s, p.loss);
  if (!std::isnan(p.accuracy)) text += fmt::format("  acc {:.2f}%", 100 * p.accuracy);
  text += fmt::format("  {} left", duration(p.seconds_left));
  const size_t width = terminal_width() - 1;
  const double done = static_cast<double>(p.step) / static_cast<double>(p.steps);
  std::string line = fmt::format("{:3.0f}%{}", 100 * done, text);
  if (line.size() + 12 < width)
    line = bar(done, std::min<size_t>(30, width - line.size() - 3)) + " " + line;
  fmt::print(stderr, "\r{}\033[K", line.substr(0, width));
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressLine::epoch(int index, int epochs, const Epoch& e) {
  if (quiet_) return;
  clear();
  std::string line = fmt::format("epoch {}/{}  loss {:.4f}", index + 1, epochs, e.loss);
  if (!std::isnan(e.accuracy)) line += fmt::format("  accuracy {:.2f}%", 100 * e.accuracy);
  if (!std::isnan(e.validation_loss))
    line += fmt::format("  validation loss {:.4f}", e.validation_loss);
  if (!std::isnan(e.validation_accuracy))
    line += fmt::format("  accuracy {:.2f}%", 100 * e.validation_accuracy);
  fmt::print(stderr, "{}  {:.1f} s  {:.0f} images/s\n", line, e.seconds, e.samples_per_s);
}

}  // namespace hone::cli

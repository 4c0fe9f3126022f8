// Widths first, then lines.
#include "cli/table.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/printable.h"

namespace hone::cli {
namespace {

constexpr size_t kLeastFirst = 8;  // narrower says nothing

/// The end of a name is what tells it from others.
std::string fitted(const std::string& text, size_t width) {
  return text.size() <= width ? text : ".." + text.substr(text.size() - width + 2);
}

}  // namespace

int terminal_columns(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::to_text(int columns) const {
  std::vector<size_t> widths;
  size_t total = 0;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = columns_[c].title.size();
    for (const auto& row : rows_) width = std::max(width, row[c].size());
    widths.push_back(width);
    total += width + (c == 0 ? 0 : 2);
  }
  const auto limit = static_cast<size_t>(columns);
  if (columns > 0 && total > limit) {
    const size_t least = std::min(widths[0], kLeastFirst);
    if (total - limit > widths[0] - least) return to_list();
    widths[0] -= total - limit;
  }

  std::string out;
  const auto line = [&](auto&& cell) {
    std::string text;
    for (size_t c = 0; c < columns_.size(); ++c) {
      if (c > 0) text += "  ";
      text += columns_[c].is_number ? fmt::format("{:>{}}", cell(c), widths[c])
                                    : fmt::format("{:<{}}", cell(c), widths[c]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += (out.empty() ? "" : "\n") + text;
  };
  line([&](size_t c) { return columns_[c].title; });
  for (const auto& row : rows_)
    line([&](size_t c) { return c == 0 ? fitted(row[c], widths[c]) : row[c]; });
  return out;
}

std::string Table::to_list() const {
  size_t width = 0;
  for (const Column& c : columns_) width = std::max(width, c.title.size());
  std::string out;
  for (const auto& row : rows_)
    for (size_t c = 0; c < columns_.size(); ++c)
      if (!row[c].empty())
        out += fmt::format("{}{}{:<{}}  {}", out.empty() ? "" : "\n", c == 0 ? "" : "  ",
                           columns_[c].title, c == 0 ? width + 2 : width, row[c]);
  return out;
}

}  // namespace hone::cli

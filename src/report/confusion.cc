// The heat of a cell is its share of its row. Right answers and mistakes have a colour each, and
// mistakes are scaled by the worst of them: a network that is 95 % right would otherwise show
// nothing but its diagonal.
#include "report/confusion.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace hone::report {

Html confusion_matrix(const Tensor& counts, const std::vector<std::string>& names) {
  const auto n = static_cast<int64_t>(names.size());
  require(counts.type() == (TensorType{DType::i64, {n, n}}),
          "confusion matrix of {} classes: expected i64[{},{}], found {}", n, n, n, counts.type());
  const int64_t* count = counts.data<int64_t>();
  std::vector<int64_t> totals(names.size(), 0);
  for (int64_t i = 0; i < n * n; ++i) totals[static_cast<size_t>(i / n)] += count[i];
  const auto share = [&](int64_t row, int64_t column) {
    const int64_t total = totals[static_cast<size_t>(row)];
    return total == 0 ? 0.0
                      : static_cast<double>(count[row * n + column]) / static_cast<double>(total);
  };
  double worst = 0;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < n; ++column)
      if (row != column) worst = std::max(worst, share(row, column));

  const auto name = [&](int64_t i) -> const std::string& { return names[static_cast<size_t>(i)]; };
  Html table;
  table.open("table", {{"class", n > 20 ? "confusion compact" : "confusion"}});
  table.open("thead").open("tr").leaf("td", "");
  for (int64_t i = 0; i < n; ++i)
    table.open("th", {{"scope", "col"}}).leaf("span", name(i)).close();
  table.leaf("th", {{"class", "recall"}}, "right").close().close().open("tbody");
  for (int64_t row = 0; row < n; ++row) {
    table.open("tr").leaf("th", {{"scope", "row"}}, name(row));
    for (int64_t column = 0; column < n; ++column) {
      const int64_t value = count[row * n + column];
      const double part = share(row, column);
      const bool right = row == column;
      const double heat = right ? part : worst == 0 ? 0 : part / worst;
      const std::string hint = fmt::format(
          "{} of {} ({:.1f} %) {}{}{}", value, totals[static_cast<size_t>(row)], 100 * part,
          name(row), right ? " recognised" : " taken for ", right ? "" : name(column));
      table.leaf("td",
                 {{"class", value == 0 ? "zero"
                            : right    ? "right"
                                       : "wrong"},
                  {"style", fmt::format("--heat:{:.3f}", heat)},
                  {"title", hint}},
                 value == 0 ? "·" : std::to_string(value));
    }
    const bool seen = totals[static_cast<size_t>(row)] > 0;
    table.leaf("td", {{"class", "recall"}},
               seen ? fmt::format("{:.1f} %", 100 * share(row, row)) : "–");
    table.close();
  }
  table.close().close();
  return table;
}

}  // namespace hone::report

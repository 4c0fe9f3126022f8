// Scales, axes, lines and their legend.
#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace hone::report {
namespace {

constexpr double kWidth = 440, kHeight = 280;
constexpr double kRight = 428, kTop = 40, kBottom = 240;
// Of a digit, in a wide font and in the largest of the sizes that style.cc gives text; a percent
// sign is half as wide again.
constexpr double kCharacter = 10.4;

struct Scale {
  double low, high, from, to;
  double operator()(double v) const { return from + (v - low) / (high - low) * (to - from); }
};

std::string number(double v) { return fmt::format("{:.2f}", v); }

// As many decimals as the step between ticks has.
std::string tick_text(double v, double step, bool percent) {
  if (percent) {
    v *= 100;
    step *= 100;
  }
  const int decimals = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 8);
  return fmt::format("{:.{}f}{}", v, decimals, percent ? "%" : "");
}

std::string value_text(double v, bool percent) {
  return percent ? fmt::format("{:.2f} %", 100 * v) : fmt::format("{:.4g}", v);
}

double step_of(const std::vector<double>& ticks) {
  return ticks.size() > 1 ? ticks[1] - ticks[0] : 1;
}

// Where the plot begins, so that the labels before it have room.
double left_of(const Plot& plot, const std::vector<double>& y_ticks) {
  size_t longest = 0;
  for (double t : y_ticks)
    longest = std::max(longest, tick_text(t, step_of(y_ticks), plot.percent).size());
  return kCharacter * (static_cast<double>(longest) + (plot.percent ? 0.5 : 0)) + 9;
}

void axes(Html& svg, const Plot& plot, double left, const Scale& x, const Scale& y,
          const std::vector<double>& x_ticks, const std::vector<double>& y_ticks) {
  const double x_step = step_of(x_ticks);
  const double y_step = step_of(y_ticks);
  for (double t : y_ticks) {
    svg.empty("line", {{"class", "grid"},
                       {"x1", number(left)},
                       {"x2", number(kRight)},
                       {"y1", number(y(t))},
                       {"y2", number(y(t))}});
    svg.leaf("text", {{"x", number(left - 7)}, {"y", number(y(t) + 4)}, {"text-anchor", "end"}},
             tick_text(t, y_step, plot.percent));
  }
  for (double t : x_ticks) {
    if (t < x.low || t > x.high) continue;
    svg.leaf("text", {{"x", number(x(t))}, {"y", number(kBottom + 18)}, {"text-anchor", "middle"}},
             tick_text(t, x_step, false));
  }
  svg.leaf(
      "text",
      {{"x", number((left + kRight) / 2)}, {"y", number(kHeight - 6)}, {"text-anchor", "middle"}},
      plot.x_label);
}

void line(Html& svg, const Plot& plot, size_t index, const Scale& x, const Scale& y) {
  const Series& s = plot.series[index];
  const std::string style = fmt::format("series-{}", index % 4 + 1);
  std::string path;
  bool drawing = false;
  for (size_t i = 0; i < s.y.size(); ++i) {
    const bool finite = std::isfinite(s.y[i]);
    if (finite)
      path += fmt::format("{}{:.2f} {:.2f}", drawing ? "L" : "M",
                          x(plot.first_x + static_cast<double>(i)), y(s.y[i]));
    drawing = finite;
  }
  svg.empty("path", {{"class", style}, {"d", path}});
  // Points: drawn while they are few, there for the pointer always.
  svg.open("g", {{"class", style + (s.y.size() > 40 ? " many" : "")}});
  for (size_t i = 0; i < s.y.size(); ++i) {
    if (!std::isfinite(s.y[i])) continue;
    const double at = plot.first_x + static_cast<double>(i);
    svg.open("circle", {{"cx", number(x(at))}, {"cy", number(y(s.y[i]))}, {"r", "2.6"}});
    svg.leaf("title", fmt::format("{}, {} {}: {}", s.name, plot.x_label, at,
                                  value_text(s.y[i], plot.percent)));
    svg.close();
  }
  svg.close();
}

void legend(Html& svg, const Plot& plot) {
  double right = kRight;
  for (size_t i = plot.series.size(); i-- > 0;) {
    const std::string& name = plot.series[i].name;
    svg.leaf("text", {{"x", number(right)}, {"y", "20"}, {"text-anchor", "end"}}, name);
    right -= kCharacter * static_cast<double>(name.size()) + 6;
    svg.empty("path", {{"class", fmt::format("series-{}", i % 4 + 1)},
                       {"d", fmt::format("M{:.2f} 16h-16", right)}});
    right -= 34;
  }
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int count, double smallest_step) {
  const double rough = std::max(high - low, 1e-12) / count;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  step = std::max(step, smallest_step);
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) ticks.push_back(i * step);
  return ticks;
}

Html render(const Plot& plot) {
  double low = INFINITY, high = -INFINITY;
  size_t points = 1;
  for (const Series& s : plot.series) {
    points = std::max(points, s.y.size());
    for (double v : s.y)
      if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  }
  if (low > high) low = 0, high = 1;
  if (low == high) low -= std::abs(low) / 20 + 1e-6, high += std::abs(high) / 20 + 1e-6;
  std::vector<double> y_ticks = nice_ticks(low, high, 5);
  // Nothing is more than right; nothing is less than never.
  if (plot.percent) std::erase_if(y_ticks, [](double t) { return t < -1e-9 || t > 1 + 1e-9; });
  const double first = plot.first_x;
  const double last = first + static_cast<double>(points) - 1;
  const double left = left_of(plot, y_ticks);
  const Scale x = points == 1 ? Scale{first - 1, first + 1, left, kRight}
                              : Scale{first, last, left + 6, kRight - 6};
  const Scale y{std::min(low, y_ticks.front()), std::max(high, y_ticks.back()), kBottom, kTop};

  Html svg;
  svg.open("svg", {{"viewBox", fmt::format("0 0 {} {}", kWidth, kHeight)},
                   {"class", "plot"},
                   {"role", "img"},
                   {"aria-label", plot.title}});
  svg.leaf("text", {{"class", "title"}, {"x", "2"}, {"y", "20"}}, plot.title);
  legend(svg, plot);
  axes(svg, plot, left, x, y, nice_ticks(first, last, 6, 1), y_ticks);
  for (size_t i = 0; i < plot.series.size(); ++i) line(svg, plot, i, x, y);
  svg.close();
  return svg;
}

}  // namespace hone::report

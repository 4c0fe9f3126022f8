// Line plots as inline SVG. Colours come from the page's style, so that a plot follows its light or
// dark scheme.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace hone::report {

struct Series {
  std::string name;
  std::vector<double> y;  ///< at x = first_x, first_x + 1, ...; not finite: a gap
};

struct Plot {
  std::string title;
  std::string x_label;
  std::vector<Series> series;
  double first_x = 1;
  bool percent = false;  ///< values are fractions, shown as percentages
};

Html render(const Plot& plot);

/// Round numbers that span [low, high], about `count` of them: steps are 1, 2 or 5 times a power of
/// ten, and at least `smallest_step`.
std::vector<double> nice_ticks(double low, double high, int count, double smallest_step = 0);

}  // namespace hone::report

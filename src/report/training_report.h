// The page that a training run leaves behind: how well, how it went, what goes wrong, and how to do
// it again. One file, with nothing outside it.
#pragma once

#include <hone/tensor.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace hone::report {

/// A figure that was not measured is NaN, and is left out of the page.
struct Epoch {
  double train_loss = NAN, train_accuracy = NAN;
  double val_loss = NAN, val_accuracy = NAN;
  double images_per_s = NAN, seconds = NAN;
};

/// A wrongly classified sample.
struct Mistake {
  Tensor image;  ///< u8 [H,W], [1,H,W] or [3,H,W]
  int64_t predicted = 0, actual = 0;
  double probability = 0;  ///< of the predicted class
};

struct LayerRow {
  std::string name, op, output;  ///< "conv1", "conv2d", "[N,32,28,28]"
  int64_t parameters = 0;
};

struct TrainingReport {
  std::string title;
  std::string command;  ///< what trains this network again
  std::string machine, isa;
  int threads = 1;
  int64_t seed = 0;
  std::vector<LayerRow> model;
  std::vector<Epoch> epochs;
  double test_loss = NAN, test_accuracy = NAN;
  Tensor confusion;  ///< i64 [C,C], row: actual, column: predicted; may be undefined
  std::vector<Mistake> mistakes;
  std::vector<std::string> class_names;
};

/// The page. Throws InvalidInput where the parts do not fit together.
std::string render(const TrainingReport& report);

/// Renders and writes atomically.
void save(const std::string& path, const TrainingReport& report);

}  // namespace hone::report

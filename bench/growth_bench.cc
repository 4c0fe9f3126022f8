// How the cost of inference grows with the batch, the threads, the width and the depth of a
// network. Prints tables, and draws them. Usage: bench_growth [FILE.svg [seconds for each figure]]
#include <fmt/core.h>
#include <hone/hone.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/cpu.h"
#include "kernels/bench_support.h"
#include "nn/zoo/zoo.h"
#include "report/plot.h"
#include "report/style.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A network as a file, which is removed with it.
class File {
 public:
  File(Model model, const Shape& sample)
      : path_(std::filesystem::temp_directory_path() /
              fmt::format("hone_growth_{}_{}.onnx", getpid(), count_++)) {
    model.build(sample);
    model.save(path_.string());
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;

  /// The median of the times of a call, in seconds.
  double time(int64_t batch, int threads, double seconds) const {
    const Session session = load(path_.string(), {.threads = threads});
    Ints dims = session.inputs()[0].type.shape.dims();
    dims[0] = batch;
    const Tensors inputs = {{session.inputs()[0].name, kernels::random_tensor(Shape(dims), 1)}};
    Tensors outputs;
    session.run(inputs, outputs);
    std::vector<double> times;
    for (const auto begin = Clock::now(); times.size() < 5 || seconds_since(begin) < seconds;) {
      const auto start = Clock::now();
      session.run(inputs, outputs);
      times.push_back(seconds_since(start));
    }
    return kernels::median(std::move(times));
  }

 private:
  using Ints = std::vector<int64_t>;
  static inline int count_ = 0;
  std::filesystem::path path_;
};

constexpr int64_t kSide = 32;

/// So many 3x3 convolutions of so many channels, on small images.
File convolutions(int64_t width, int64_t depth) {
  std::vector<Layer> layers;
  for (int64_t i = 0; i < depth; ++i)
    layers.push_back(conv2d(width, 3, relu, {.padding = Padding::same()}));
  layers.push_back(global_avg_pool2d());
  layers.push_back(dense(10));
  return {sequential(layers), {3, kSide, kSide}};
}

double convolution_gflop(int64_t width, int64_t depth) {
  const int64_t channels = 3 * width + (depth - 1) * width * width;
  return 2e-9 * 9 * static_cast<double>(kSide * kSide * channels);
}

File classifier() {
  const nn::ZooEntry& entry = nn::zoo_entry("cnn");
  return {Model(entry.of(entry.classes), "cnn"), entry.sample};
}

void print(const report::Plot& plot, bool powers) {
  fmt::print("\n{}, by {}\n", plot.title, plot.x_label);
  for (const report::Series& s : plot.series) {
    fmt::print("  {:24}", s.name);
    for (size_t i = 0; i < s.y.size(); ++i) {
      const double x = plot.first_x + static_cast<double>(i);
      fmt::print(" {}: {:.3g}", powers ? std::exp2(x) : x, s.y[i]);
    }
    fmt::print("\n");
  }
}

// Batches take turns, so that a machine whose speed drifts is as kind to one as to the other.
report::Plot by_batch(double seconds) {
  constexpr int kBatches = 10, kRounds = 7;
  report::Plot plot{"Time of a sample", "log2 of the batch; 1 is the least time", {}, 0};
  const File networks[] = {classifier(), convolutions(32, 4)};
  for (size_t n = 0; n < 2; ++n) {
    report::Series series{n == 0 ? "cnn" : "4 convolutions", {}};
    std::vector<double> times[kBatches];
    for (int round = 0; round < kRounds; ++round)
      for (int i = 0; i < kBatches; ++i)
        times[i].push_back(networks[n].time(int64_t{1} << i, usable_cores(), seconds / kRounds) /
                           std::exp2(i));
    for (const std::vector<double>& each : times) series.y.push_back(kernels::median(each));
    const double least = *std::min_element(series.y.begin(), series.y.end());
    for (double& y : series.y) y /= least;
    plot.series.push_back(std::move(series));
  }
  return plot;
}

report::Plot by_threads(double seconds) {
  report::Plot plot{"Speed", "threads, at batch 64; 1 is one thread's", {}, 1};
  const File networks[] = {classifier(), convolutions(32, 4)};
  for (size_t n = 0; n < 2; ++n) {
    report::Series series{n == 0 ? "cnn" : "4 convolutions", {}};
    const double alone = networks[n].time(64, 1, seconds);
    for (int threads = 1; threads <= usable_cores(); ++threads)
      series.y.push_back(alone / networks[n].time(64, threads, seconds));
    plot.series.push_back(std::move(series));
  }
  return plot;
}

report::Plot by_width(double seconds) {
  report::Plot plot{"GFLOP/s", "log2 of the channels of 4 convolutions", {}, 3};
  for (int64_t batch : {1, 8}) {
    report::Series series{fmt::format("batch {}", batch), {}};
    for (int64_t width = 8; width <= 256; width *= 2)
      series.y.push_back(static_cast<double>(batch) * convolution_gflop(width, 4) /
                         convolutions(width, 4).time(batch, usable_cores(), seconds));
    plot.series.push_back(std::move(series));
  }
  return plot;
}

report::Plot by_depth(double seconds) {
  report::Plot plot{"us a layer", "log2 of the convolutions, of 32 channels", {}, 0};
  for (int64_t batch : {1, 8}) {
    report::Series series{fmt::format("batch {}", batch), {}};
    for (int64_t depth = 1; depth <= 32; depth *= 2)
      series.y.push_back(1e6 * convolutions(32, depth).time(batch, usable_cores(), seconds) /
                         static_cast<double>(batch * depth));
    plot.series.push_back(std::move(series));
  }
  return plot;
}

/// Two by two, as one picture.
std::string picture(const std::vector<report::Plot>& plots) {
  constexpr int kWidth = 440, kHeight = 280, kGap = 24;
  report::Html svg;
  svg.open("svg", {{"xmlns", "http://www.w3.org/2000/svg"},
                   {"viewBox", fmt::format("0 0 {} {}", 2 * kWidth + kGap, 2 * kHeight + kGap)},
                   {"font-family", "sans-serif"},
                   {"role", "img"},
                   {"aria-label", "How cost grows"}});
  svg.style(report::kStyle);
  for (size_t i = 0; i < plots.size(); ++i) {
    svg.open("svg", {{"x", std::to_string(i % 2 * (kWidth + kGap))},
                     {"y", std::to_string(i / 2 * (kHeight + kGap))},
                     {"width", std::to_string(kWidth)},
                     {"height", std::to_string(kHeight)}});
    svg.append(report::render(plots[i]));
    svg.close();
  }
  svg.close();
  return svg.str() + "\n";
}

}  // namespace
}  // namespace hone

int main(int argc, char** argv) {
  const double seconds = argc > 2 ? std::atof(argv[2]) : 0.5;
  const std::vector<hone::report::Plot> plots = {hone::by_batch(seconds), hone::by_threads(seconds),
                                                 hone::by_width(seconds), hone::by_depth(seconds)};
  for (size_t i = 0; i < plots.size(); ++i) hone::print(plots[i], i != 1);
  if (argc > 1) std::ofstream(argv[1]) << hone::picture(plots);
}

// What a step of training takes beside the model: as planned, and as the process grows by it; with
// a limit, the time that this costs, too. Prints a JSON object.
// Usage: bench_training_memory [NETWORK CHANNELS HEIGHT WIDTH CLASSES BATCH [LIMIT_BYTES [STEPS]]]
#include <fmt/core.h>
#include <hone/hone.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/rng.h"
#include "nn/zoo/zoo.h"

namespace hone {
namespace {

/// A line of /proc/self/status, in bytes.
int64_t status(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return 1024 * std::atoll(line.c_str() + key.size() + 1);
  return 0;
}

data::Dataset random_images(const Shape& sample, int64_t classes, int64_t count) {
  data::Dataset out;
  out.name = "random";
  for (int64_t i = 0; i < classes; ++i) out.class_names.push_back(std::to_string(i));
  out.images = Tensor(DType::u8, {count, sample[0], sample[1], sample[2]});
  out.labels = Tensor(DType::i64, {count});
  for (int64_t i = 0; i < out.images.bytes(); ++i)
    out.images.data<uint8_t>()[i] =
        static_cast<uint8_t>(philox(0, 0, static_cast<uint64_t>(i)).v[0]);
  for (int64_t i = 0; i < count; ++i) out.labels.data<int64_t>()[i] = i % classes;
  return out;
}

void measure(const std::string& network, const Shape& sample, int64_t classes, int64_t batch,
             int64_t limit, int64_t steps) {
  const data::Dataset images = random_images(sample, classes, batch * steps);
  Model model(nn::zoo_entry(network).of(classes), network);
  model.compile({.optimizer = sgd({.lr = 0.01})});
  model.build(sample);
  StepMemory planned{};
  int64_t before = 0;
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  Clock::time_point last;
  FitOptions fit;
  fit.batch = batch;
  fit.memory_limit = limit;
  fit.on_plan = [&](const StepMemory& memory) {
    planned = memory;
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts anew
    before = status("VmRSS");
    last = Clock::now();
  };
  fit.on_progress = [&](const Progress&) {
    const Clock::time_point now = Clock::now();
    seconds.push_back(std::chrono::duration<double>(now - last).count());
    last = now;
  };
  model.fit(images, fit);
  std::sort(seconds.begin(), seconds.end());
  fmt::print(
      "{{\"planned\": {}, \"unlimited\": {}, \"measured\": {}, \"recomputed\": {:.4f}, "
      "\"step_ms\": {:.2f}}}\n",
      planned.bytes, planned.unlimited_bytes, status("VmHWM") - before, planned.recomputed,
      1e3 * seconds[seconds.size() / 2]);
}

}  // namespace
}  // namespace hone

int main(int argc, char** argv) {
  if (argc > 1 && argc < 7) {
    fmt::print(stderr,
               "usage: {} [NETWORK CHANNELS HEIGHT WIDTH CLASSES BATCH [LIMIT_BYTES [STEPS]]]\n",
               argv[0]);
    return 2;
  }
  const auto number = [&](int i, int64_t fallback) {
    return i < argc ? std::atoll(argv[i]) : fallback;
  };
  try {
    hone::measure(argc > 1 ? argv[1] : "resnet18", {number(2, 3), number(3, 32), number(4, 32)},
                  number(5, 10), number(6, 64), number(7, 0), number(8, 5));
  } catch (const hone::Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}

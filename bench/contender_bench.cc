// hone as it is measured beside its peers (bench/peers): a process that stays, and runs for so many
// seconds as each line of its input says. It answers with the median time of a run in
// microseconds, or with images a second, and once unasked, when it is ready.
// Usage: bench_contender infer MODEL.onnx BATCH THREADS
//        bench_contender train NETWORK DATA BATCH THREADS
#include <fmt/core.h>
#include <hone/hone.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include "nn/zoo/zoo.h"

namespace hone {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Tells what a turn gave, and waits for the next; false when there is none.
bool answer(double found, double& seconds) {
  fmt::print("{:.6g}\n", found);
  std::fflush(stdout);
  return static_cast<bool>(std::cin >> seconds);
}

void infer(const std::string& file, int64_t batch, int threads) {
  const Session session = Session::load(file, {.threads = threads});
  const auto input = session.inputs().at(0);
  Shape shape = input.type.shape;
  shape[0] = batch;
  Tensor values(DType::f32, shape);
  for (int64_t i = 0; i < values.elements(); ++i)
    values.data<float>()[i] = static_cast<float>((i * 7919) % 255) / 255;
  const Tensors inputs = {{input.name, values}};
  Tensors outputs;
  double seconds = 0, median = 0;
  do {
    std::vector<double> us;
    const Clock::time_point start = Clock::now();
    do {
      const Clock::time_point begin = Clock::now();
      session.run(inputs, outputs);
      us.push_back(1e6 * seconds_since(begin));
    } while (seconds_since(start) < seconds);
    std::sort(us.begin(), us.end());
    median = us[us.size() / 2];
  } while (answer(median, seconds));
}

/// One fit without an end, held after the last step of each turn.
void train(const std::string& network, const std::string& data, int64_t batch, int threads) {
  const data::Dataset images = data::load(data, {.validation = 0}).train;
  Model model(nn::zoo_entry(network).of(images.classes()), network);
  model.compile({.optimizer = sgd({.lr = 0.01}), .threads = threads});
  double seconds = 0;
  int64_t samples = 0;
  bool over = false;
  Clock::time_point start = Clock::now();
  FitOptions fit;
  fit.epochs = INT32_MAX;
  fit.batch = batch;
  fit.should_stop = [&] { return over; };
  fit.on_progress = [&](const Progress&) {
    samples += batch;
    if (const double passed = seconds_since(start); passed >= seconds) {
      over = !answer(static_cast<double>(samples) / passed, seconds);
      samples = 0;
      start = Clock::now();
    }
  };
  model.fit(images, fit);
}

void run(const std::vector<std::string>& args) {
  if (args.size() == 4 && args[0] == "infer")
    infer(args[1], std::stoll(args[2]), std::stoi(args[3]));
  else if (args.size() == 5 && args[0] == "train")
    train(args[1], args[2], std::stoll(args[3]), std::stoi(args[4]));
  else fmt::print("usage: infer MODEL.onnx BATCH THREADS | train NETWORK DATA BATCH THREADS\n");
}

}  // namespace
}  // namespace hone

int main(int argc, char** argv) {
  try {
    hone::run({argv + 1, argv + argc});
  } catch (const hone::Error& e) {
    if (e.kind() == hone::ErrorKind::Cancelled) return 0;  // training knows no other end
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}

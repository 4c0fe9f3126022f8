// Where the time of a training step goes: every kernel's, and the steps that take the most.
// Usage: bench_training [NETWORK [SIDE [BATCH [THREADS]]]], the network being one of the zoo's.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "base/cpu.h"
#include "base/shards.h"
#include "exec/executor.h"
#include "exec/machine.h"
#include "exec/profiler.h"
#include "exec/staged.h"
#include "kernels/bench_support.h"
#include "nn/zoo/zoo.h"
#include "train/graphs.h"

namespace hone {
namespace {

constexpr size_t kSteps = 30;  // that are shown

void print(const std::vector<exec::Usage>& usages, size_t most, double runs, double peak) {
  for (size_t i = 0; i < std::min(most, usages.size()); ++i) {
    const exec::Usage& u = usages[i];
    fmt::print("{:44.44} {:18.18} {:9.1f} us {:7.1f} GFLOP/s {:4.0f}% {:6.1f} GB/s\n", u.name,
               u.kernel, 1e6 * u.seconds / runs, 1e-9 * u.flops / u.seconds,
               1e-7 * u.flops / u.seconds / peak, 1e-9 * u.bytes / u.seconds);
  }
}

void profile(const char* name, int64_t side, int64_t batch, int threads) {
  const nn::ZooEntry& entry = nn::zoo_entry(name);
  const int64_t channels = entry.sample[0];
  const nn::Normalization normalization{std::vector<float>(static_cast<size_t>(channels), 127.5f),
                                        std::vector<float>(static_cast<size_t>(channels), 0.02f)};
  const auto network = nn::make_network(name, entry.of(entry.classes), normalization);
  const train::BatchType type = {{DType::u8, Shape{kBatch, channels, side, side}},
                                 {DType::i64, Shape{kBatch}}};
  train::StepOptions options{sgd({.lr = 0.01}), softmax_cross_entropy()};
  options.batch = batch;
  options.shards = Sharding::default_shards(batch);
  train::GraphAndStates step = train::training_graph(*network, type, options);
  exec::StateStore states;
  train::add_missing_states(step, 0, states);
  ThreadPool pool(threads);
  exec::StagedExecutor executor(std::move(step.graph), default_isa(), &pool);
  Tensor images(DType::u8, {batch, channels, side, side}), labels(DType::i64, {batch});
  for (int64_t i = 0; i < images.elements(); ++i)
    images.data<uint8_t>()[i] = static_cast<uint8_t>((i * 2654435761u) >> 13);
  for (int64_t i = 0; i < batch; ++i) labels.data<int64_t>()[i] = i % entry.classes;
  const exec::Tensors inputs = {{"input", images}, {"labels", labels}};

  exec::Profiler profiler(executor.program(exec::types_of(inputs)));
  const auto run = [&](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      profiler.start();
      executor.run(inputs, states, profiler.observer());
    }
  };
  const auto start = std::chrono::steady_clock::now();
  run(2);
  const double once =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 2;
  const auto runs = std::clamp<int64_t>(static_cast<int64_t>(3 / once), 5, 20000);
  profiler = exec::Profiler(executor.program(exec::types_of(inputs)));
  run(runs);
  const double peak = exec::measure_machine(default_isa(), &pool).fma_peak_gflops * threads;
  std::vector<exec::Usage> steps = profiler.steps();
  double total = 0;
  for (const exec::Usage& u : steps) total += u.seconds;
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  print(steps, kSteps, static_cast<double>(runs), peak);
  fmt::print("\n");
  print(profiler.by_kernel(), steps.size(), static_cast<double>(runs), peak);
  fmt::print("\n{} {}x{}, batch {}, {} threads: {:.1f} us a step, {:.0f} images/s\n", name, side,
             side, batch, threads, 1e6 * total / static_cast<double>(runs),
             static_cast<double>(batch * runs) / total);
}

}  // namespace
}  // namespace hone

int main(int argc, char** argv) {
  const auto number = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  hone::profile(argc > 1 ? argv[1] : "resnet18", number(2, 32), number(3, 64), number(4, 2));
}

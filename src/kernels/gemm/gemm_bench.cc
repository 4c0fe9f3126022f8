// GFLOP/s of gemm.packed, as a share of the FMA peak that the same run measures between the
// products. One thread. Usage: gemm_bench [seconds per level]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/gemm/gemm.h"
#include "kernels/kernel_memory.h"

namespace hone::kernels {
namespace {

struct Case {
  int64_t m, k, n;
  bool trans_a, trans_b;
  int64_t shards;        // 0: none
  int64_t matrices = 1;  // side by side
};

// Cubes, then forward, weight gradient and input gradient of the layers of mlp and cnn, batch 64;
// the scores and the mixture of attention with 4 x 12 heads.
constexpr Case kCases[] = {
    {256, 256, 256, false, false, 0},    {512, 512, 512, false, false, 0},
    {512, 512, 512, false, true, 0},     {512, 512, 512, true, false, 0},
    {1024, 1024, 1024, false, false, 0}, {2048, 2048, 2048, false, false, 0},
    {64, 784, 128, false, false, 0},     {784, 64, 128, true, false, 4},
    {64, 784, 10, false, false, 0},      {784, 64, 10, true, false, 4},
    {64, 128, 10, false, false, 0},      {128, 64, 10, true, false, 4},
    {64, 10, 128, false, true, 0},       {64, 1600, 128, false, false, 0},
    {1600, 64, 128, true, false, 4},     {64, 128, 1600, false, true, 0},
    {1, 784, 128, false, false, 0},      {1, 1600, 128, false, true, 0},
    {128, 64, 128, false, true, 0, 48},  {128, 128, 64, false, false, 0, 48},
};

class Run {
 public:
  Run(const Case& c, Isa isa)
      : case_(c),
        a_(c.trans_a ? random_tensor({c.matrices, c.k, c.m}, 1)
                     : random_tensor({c.matrices, c.m, c.k}, 1)),
        b_(c.trans_b ? random_tensor({c.matrices, c.n, c.k}, 2)
                     : random_tensor({c.matrices, c.k, c.n}, 2)),
        c_(DType::f32, {c.matrices, c.m, c.n}) {
    ir::Attrs attrs{{"trans_a", int64_t{c.trans_a}}, {"trans_b", int64_t{c.trans_b}}};
    if (c.shards > 0) {
      attrs.set("batch", c.k);
      attrs.set("shards", c.shards);
    }
    node_ = {&ir::op::matmul, {}, attrs, {}, ""};
    kernel_ = make_packed_gemm({&node_, {a_.type(), b_.type()}, {c_.type()}, isa, 1});
    memory_.emplace(*kernel_, 1);
    repeats_ = std::max<int64_t>(1, 40'000'000 / (c.matrices * c.m * c.n * c.k));
  }

  void measure() {
    const View in[] = {{a_.raw(), &a_.type()}, {b_.raw(), &b_.type()}};
    const View out[] = {{c_.raw(), &c_.type()}};
    const auto run = [&] { kernel_->run(memory_->call(in, out, &pool_)); };
    run();  // into the caches
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < repeats_; ++i) run();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    seconds_.push_back(seconds.count() / static_cast<double>(repeats_));
  }

  void print(double peak) {
    std::sort(seconds_.begin(), seconds_.end());
    const double gflop = 2e-9 * static_cast<double>(case_.matrices * case_.m * case_.n * case_.k);
    const double least = seconds_.front();
    const double median = seconds_[seconds_.size() / 2];
    fmt::print(
        "{:3} x {:5} x{:5} x{:5}  {}{} shards {}  min {:9.1f} us {:6.1f} GFLOP/s {:5.1f}%  "
        "median {:6.1f} GFLOP/s {:5.1f}%\n",
        case_.matrices, case_.m, case_.k, case_.n, case_.trans_a ? 't' : 'n',
        case_.trans_b ? 't' : 'n', case_.shards, least * 1e6, gflop / least,
        100 * gflop / least / peak, gflop / median, 100 * gflop / median / peak);
  }

 private:
  Case case_;
  Tensor a_, b_, c_;
  ir::Node node_;
  std::unique_ptr<Kernel> kernel_;
  std::optional<KernelMemory> memory_;
  ThreadPool pool_{1};
  int64_t repeats_;
  std::vector<double> seconds_;
};

void bench(Isa isa, double seconds) {
  std::vector<std::unique_ptr<Run>> runs;
  for (const Case& c : kCases) runs.push_back(std::make_unique<Run>(c, isa));
  const double peak = measure_in_turn(runs, isa, seconds);
  fmt::print("{}: FMA peak of one thread {:.1f} GFLOP/s\n", name_of(isa), peak);
  for (auto& run : runs) run->print(peak);
}

}  // namespace
}  // namespace hone::kernels

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3.0;
  for (hone::Isa isa : hone::available_isas())
    if (isa >= hone::Isa::avx2) hone::kernels::bench(isa, seconds);
}

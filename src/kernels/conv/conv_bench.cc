// GFLOP/s of conv.direct on the convolutions of cnn and of resnets, as a share of the FMA peak that
// the same run measures between them. Usage: bench_conv [seconds for each level and thread count]
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/conv/conv.h"
#include "kernels/kernel_memory.h"

namespace hone::kernels {
namespace {

struct Case {
  const char* name;
  int64_t n, h, w, c, o, k, stride, pad, groups, shards;
};

constexpr Case kCases[] = {
    {"cnn conv1", 64, 28, 28, 1, 32, 3, 1, 0, 1, 4},
    {"cnn conv2", 64, 13, 13, 32, 64, 3, 1, 0, 1, 4},
    {"resnet20 stem", 64, 32, 32, 3, 16, 3, 1, 1, 1, 4},
    {"resnet20 stage 1", 64, 32, 32, 16, 16, 3, 1, 1, 1, 4},
    {"resnet20 stride 2", 64, 32, 32, 16, 32, 3, 2, 1, 1, 4},
    {"resnet20 stage 3", 64, 8, 8, 64, 64, 3, 1, 1, 1, 4},
    {"resnet18 stem", 4, 224, 224, 3, 64, 7, 2, 3, 1, 1},
    {"resnet18 stage 3", 4, 14, 14, 256, 256, 3, 1, 1, 1, 1},
    {"pointwise", 4, 28, 28, 128, 128, 1, 1, 0, 1, 1},
    {"depthwise", 16, 28, 28, 96, 96, 3, 1, 1, 96, 1},
};

// One thread is measured by the time that it had a core, so that a busy machine does not matter.
double clock_seconds(int threads) {
  timespec t{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// One of the three convolutions, ready to run.
class Run {
 public:
  Run(const char* name, const ir::OpSpec& op, ir::Attrs attrs, Tensor a, Tensor b, double gflop,
      Isa isa, int threads)
      : name_(name), a_(std::move(a)), b_(std::move(b)), gflop_(gflop), pool_(threads) {
    node_ = {&op, {}, std::move(attrs), {}, ""};
    const TensorType types[] = {a_.type(), b_.type()};
    const std::vector<TensorType> results = ir::infer(op, types, node_.attrs, name);
    result_ = Tensor(DType::f32, results[0].shape);
    const Problem problem{&node_, {a_.type(), b_.type()}, results, isa, threads};
    kernel_ = &op == &ir::op::conv2d              ? make_conv_forward(problem)
              : &op == &ir::op::conv2d_grad_input ? make_conv_grad_input(problem)
                                                  : make_conv_grad_weight(problem);
    memory_.emplace(*kernel_, threads);
  }

  void measure() {
    const View in[] = {{a_.raw(), &a_.type()}, {b_.raw(), &b_.type()}};
    const View out[] = {{result_.raw(), &result_.type()}};
    const double start = clock_seconds(pool_.threads());
    kernel_->run(memory_->call(in, out, &pool_));
    seconds_.push_back(clock_seconds(pool_.threads()) - start);
  }

  void print(double peak) {
    std::sort(seconds_.begin(), seconds_.end());
    const double least = seconds_.front();
    const double median = seconds_[seconds_.size() / 2];
    fmt::print("{:18} {:18} min {:8.1f} us {:6.1f} GFLOP/s {:5.1f}%  median {:6.1f} GFLOP/s\n",
               name_, node_.op->name, least * 1e6, gflop_ / least, 100 * gflop_ / least / peak,
               gflop_ / median);
  }

 private:
  const char* name_;
  Tensor a_, b_, result_;
  double gflop_;
  ir::Node node_;
  std::unique_ptr<Kernel> kernel_;
  std::optional<KernelMemory> memory_;
  ThreadPool pool_;
  std::vector<double> seconds_;
};

std::vector<std::unique_ptr<Run>> runs_of(const Case& c, Isa isa, int threads) {
  const ir::Attrs attrs{{"stride", ir::Ints{c.stride, c.stride}},
                        {"pad", ir::Ints{c.pad, c.pad, c.pad, c.pad}},
                        {"dilation", ir::Ints{1, 1}},
                        {"groups", c.groups},
                        {"layout", std::string("nhwc")}};
  const Tensor x = random_tensor({c.n, c.h, c.w, c.c}, 1);
  const Tensor w = random_tensor({c.o, c.c / c.groups, c.k, c.k}, 2);
  const TensorType types[] = {x.type(), w.type()};
  const Tensor dy = random_tensor(ir::infer(ir::op::conv2d, types, attrs, c.name)[0].shape, 3);
  ir::Attrs grad_input = attrs;
  grad_input.set("shape", x.shape().dims());
  ir::Attrs grad_weight = attrs;
  grad_weight.set("shape", w.shape().dims());
  grad_weight.set("batch", c.n);
  grad_weight.set("shards", c.shards);
  // Padded taps count as work, though they are skipped.
  const int64_t taps = c.k * c.k * (c.c / c.groups);
  const double gflop = 2e-9 * static_cast<double>(dy.elements() * taps);
  std::vector<std::unique_ptr<Run>> runs;
  const auto add = [&](const ir::OpSpec& op, const ir::Attrs& a, const Tensor& l, const Tensor& r) {
    runs.push_back(std::make_unique<Run>(c.name, op, a, l, r, gflop, isa, threads));
  };
  add(ir::op::conv2d, attrs, x, w);
  add(ir::op::conv2d_grad_input, grad_input, dy, w);
  add(ir::op::conv2d_grad_weight, grad_weight, x, dy);
  return runs;
}

void bench(Isa isa, int threads, double seconds) {
  std::vector<std::unique_ptr<Run>> runs;
  for (const Case& c : kCases)
    for (auto& run : runs_of(c, isa, threads)) runs.push_back(std::move(run));
  const double peak = measure_in_turn(runs, isa, seconds);
  fmt::print("{}, {} thread(s): FMA peak of one thread {:.1f} GFLOP/s\n", name_of(isa), threads,
             peak);
  for (auto& run : runs) run->print(peak);
}

}  // namespace
}  // namespace hone::kernels

int main(int argc, char** argv) { hone::kernels::bench_levels(argc, argv, hone::kernels::bench); }

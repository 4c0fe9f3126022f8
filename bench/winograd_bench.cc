// Times of 3x3 convolutions: direct, and by tiles of 2 and of 4 outputs a side, from weights that
// are packed already. Which of them the pass `winograd` takes is marked: where that is not the
// fastest, its model of the cost (passes/winograd.cc) is wrong for this machine.
// Usage: bench_winograd [seconds for each level and thread count]
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/conv/conv.h"
#include "kernels/panels.h"
#include "kernels/winograd/winograd.h"
#include "passes/winograd.h"

namespace hone::kernels {
namespace {

struct Case {
  const char* name;
  int64_t n, side, c, o, pad;
};

constexpr Case kCases[] = {
    {"cnn conv2", 1, 13, 32, 64, 0},          {"cnn conv2", 64, 13, 32, 64, 0},
    {"resnet20 stage 1", 64, 32, 16, 16, 1},  {"resnet20 stage 2", 64, 16, 32, 32, 1},
    {"resnet20 stage 3", 64, 8, 64, 64, 1},   {"resnet18 stage 1", 1, 56, 64, 64, 1},
    {"resnet18 stage 2", 1, 28, 128, 128, 1}, {"resnet18 stage 3", 1, 14, 256, 256, 1},
    {"resnet18 stage 4", 1, 7, 512, 512, 1},  {"resnet18 stage 1", 8, 56, 64, 64, 1},
    {"resnet18 stage 2", 8, 28, 128, 128, 1}, {"resnet18 stage 3", 8, 14, 256, 256, 1},
    {"resnet18 stage 4", 8, 7, 512, 512, 1},  {"vgg conv2", 1, 224, 64, 64, 1},
};

/// One way of computing one case.
class Run {
 public:
  Run(const Case& c, int64_t tile, Isa isa, int threads) : pool_(threads) {
    node_.op = tile == 0 ? &ir::op::conv2d : &ir::op::winograd_conv2d;
    node_.attrs = {{"pad", ir::Ints{c.pad, c.pad, c.pad, c.pad}}, {"layout", std::string("nhwc")}};
    if (tile == 0) {
      node_.attrs.set("stride", ir::Ints{1, 1});
      node_.attrs.set("dilation", ir::Ints{1, 1});
      node_.attrs.set("groups", int64_t{1});
    } else {
      node_.attrs.set("tile", tile);
    }
    x_ = random_tensor({c.n, c.side, c.side, c.c}, 1);
    Tensor w = random_tensor(
        tile == 0 ? Shape{3, 3, c.c, c.o} : Shape{(tile + 2) * (tile + 2), c.c, c.o}, 2);
    weight_ = w.type();
    const TensorType types[] = {x_.type(), weight_};
    results_ = ir::infer(*node_.op, types, node_.attrs, c.name);
    result_ = Tensor(DType::f32, results_[0].shape);
    Problem problem{&node_, {x_.type(), weight_}, results_, isa, threads};
    problem.panels = wanted_panels(node_, weight_, isa);
    w_ = problem.panels ? pack_panels(*problem.panels, w, isa) : std::move(w);
    kernel_ = tile == 0 ? make_conv_forward(problem) : make_winograd(problem);
    workspace_ = Tensor(DType::u8, {kernel_->workspace_bytes()});
  }

  void measure() {
    const View in[] = {{x_.raw(), &x_.type()}, {w_.raw(), &weight_}};
    const View out[] = {{result_.raw(), &result_.type()}};
    const auto start = std::chrono::steady_clock::now();
    kernel_->run({in, out, workspace_.raw(), &pool_});
    seconds_.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  double median() {
    std::sort(seconds_.begin(), seconds_.end());
    return seconds_[seconds_.size() / 2];
  }

 private:
  ir::Node node_;
  TensorType weight_;
  std::vector<TensorType> results_;
  Tensor x_, w_, result_, workspace_;
  std::unique_ptr<Kernel> kernel_;
  ThreadPool pool_;
  std::vector<double> seconds_;
};

int64_t chosen(const Case& c) {
  return passes::winograd_tile(ir::conv_dims({c.n, c.side, c.side, c.c}, {3, 3, c.c, c.o},
                                             {{"stride", ir::Ints{1, 1}},
                                              {"dilation", ir::Ints{1, 1}},
                                              {"pad", ir::Ints{c.pad, c.pad, c.pad, c.pad}},
                                              {"layout", std::string("nhwc")}}));
}

void bench(Isa isa, int threads, double seconds) {
  std::vector<std::unique_ptr<Run>> runs;
  for (const Case& c : kCases)
    for (int64_t tile : {0, 2, 4}) runs.push_back(std::make_unique<Run>(c, tile, isa, threads));
  const double peak = measure_in_turn(runs, isa, seconds);
  fmt::print("{}, {} thread(s), us; FMA peak of one thread {:.1f} GFLOP/s\n", name_of(isa), threads,
             peak);
  fmt::print("{:22}{:>10}{:>12}{:>12}\n", "", "direct", "tiles of 2", "tiles of 4");
  auto run = runs.begin();
  for (const Case& c : kCases) {
    fmt::print("{:18} {:3}", c.name, c.n);
    for (int64_t tile : {0, 2, 4})
      fmt::print("{:11.1f}{}", (*run++)->median() * 1e6, tile == chosen(c) ? '*' : ' ');
    fmt::print("\n");
  }
}

}  // namespace
}  // namespace hone::kernels

int main(int argc, char** argv) { hone::kernels::bench_levels(argc, argv, hone::kernels::bench); }

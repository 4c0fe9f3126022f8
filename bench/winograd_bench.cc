// Times of 3x3 convolutions: direct, and by tiles of 2 and of 4 outputs a side, of floats and of
// bytes, from weights that are packed already. Which of them the pass `winograd` takes is marked:
// where that is not the fastest, its model of the cost (passes/winograd.cc) is wrong for this
// machine.
// Usage: bench_winograd [seconds for each level and thread count]
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "kernels/bench_support.h"
#include "kernels/conv/conv.h"
#include "kernels/int8/int8.h"
#include "kernels/kernel_memory.h"
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
    {"few channels", 1, 56, 8, 64, 1},        {"few channels", 1, 56, 16, 16, 1},
    {"few channels", 1, 56, 32, 32, 1},       {"few outputs", 1, 56, 64, 8, 1},
    {"small image", 1, 5, 64, 64, 1},         {"small image", 1, 3, 256, 256, 1},
};

struct Way {
  const char* name;
  DType dtype;
  int64_t tile;  ///< 0: direct
};

constexpr Way kWays[] = {{"direct", DType::f32, 0},
                         {"tiles of 2", DType::f32, 2},
                         {"tiles of 4", DType::f32, 4},
                         {"bytes", DType::u8, 0},
                         {"tiles of 2", DType::u8, 2}};

ir::Attrs conv_attrs(const Case& c, std::string layout) {
  return {{"stride", ir::Ints{1, 1}},
          {"dilation", ir::Ints{1, 1}},
          {"groups", int64_t{1}},
          {"pad", ir::Ints{c.pad, c.pad, c.pad, c.pad}},
          {"layout", std::move(layout)}};
}

/// Of integers, whose values matter to no time, zeros.
Tensor operand(DType dtype, Shape shape, uint64_t key) {
  return dtype == DType::f32 ? random_tensor(std::move(shape), key)
                             : Tensor(dtype, std::move(shape));
}

/// One way of computing one case.
class Run {
 public:
  Run(const Case& c, const Way& way, Isa isa, int threads) : pool_(threads) {
    const bool direct = way.tile == 0, bytes = way.dtype != DType::f32;
    node_.op = direct ? &ir::op::conv2d : &ir::op::winograd_conv2d;
    node_.attrs = conv_attrs(c, direct && bytes ? "nhwc_hwio" : "nhwc");
    if (!direct)
      node_.attrs = {
          {"tile", way.tile}, {"pad", node_.attrs.ints("pad")}, {"layout", std::string("nhwc")}};
    x_ = operand(way.dtype, {c.n, c.side, c.side, c.c}, 1);
    const DType filters = !bytes ? DType::f32 : direct ? DType::i8 : DType::i16;
    const int64_t side = way.tile + 2;
    Tensor w = operand(filters,
                       !direct ? Shape{side * side, c.c, c.o}
                       : bytes ? Shape{3, 3, c.c, c.o}
                               : Shape{c.o, c.c, 3, 3},
                       2);
    weight_ = w.type();
    const TensorType types[] = {x_.type(), weight_};
    results_ = ir::infer(*node_.op, types, node_.attrs, c.name);
    result_ = Tensor(results_[0].dtype, results_[0].shape);
    Problem problem{&node_, {x_.type(), weight_}, results_, isa, threads};
    problem.panels = wanted_panels(node_, weight_, isa);
    w_ = problem.panels ? pack_panels(*problem.panels, w, isa) : std::move(w);
    kernel_ = !direct ? make_winograd(problem)
              : bytes ? make_dot(problem)
                      : make_conv_forward(problem);
    memory_.emplace(*kernel_, threads);
  }

  void measure() {
    const View in[] = {{x_.raw(), &x_.type()}, {w_.raw(), &weight_}};
    const View out[] = {{result_.raw(), &result_.type()}};
    const auto start = std::chrono::steady_clock::now();
    kernel_->run(memory_->call(in, out, &pool_));
    seconds_.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  double median() const { return kernels::median(seconds_); }

 private:
  ir::Node node_;
  TensorType weight_;
  std::vector<TensorType> results_;
  Tensor x_, w_, result_;
  std::unique_ptr<Kernel> kernel_;
  std::optional<KernelMemory> memory_;
  ThreadPool pool_;
  std::vector<double> seconds_;
};

int64_t chosen(const Case& c, DType dtype, Isa isa) {
  const ir::ConvDims dims =
      ir::conv_dims({c.n, c.side, c.side, c.c}, {3, 3, c.c, c.o}, conv_attrs(c, "nhwc_hwio"));
  if (dtype == DType::f32) return passes::winograd_tile(dims, false);
  return !multiplies_bytes(isa) && passes::winograd_of_bytes(dims, dtype) ? 2 : 0;
}

void bench(Isa isa, int threads, double seconds) {
  std::vector<std::unique_ptr<Run>> runs;
  for (const Case& c : kCases)
    for (const Way& way : kWays) runs.push_back(std::make_unique<Run>(c, way, isa, threads));
  const double peak = measure_in_turn(runs, isa, seconds);
  fmt::print("{}, {} thread(s), us; FMA peak of one thread {:.1f} GFLOP/s\n", name_of(isa), threads,
             peak);
  fmt::print("{:22}", "");
  for (const Way& way : kWays) fmt::print("{:>11} ", way.name);
  fmt::print("\n");
  auto run = runs.begin();
  for (const Case& c : kCases) {
    fmt::print("{:18} {:3}", c.name, c.n);
    for (const Way& way : kWays)
      fmt::print("{:11.1f}{}", (*run++)->median() * 1e6,
                 way.tile == chosen(c, way.dtype, isa) ? '*' : ' ');
    fmt::print("\n");
  }
}

}  // namespace
}  // namespace hone::kernels

int main(int argc, char** argv) { hone::kernels::bench_levels(argc, argv, hone::kernels::bench); }

// Speed of tile programs: the optimiser's update, single ops, short rows, and the cost of small
// calls. Prints one line per case.
#include <chrono>
#include <cstdio>
#include <functional>

#include "base/error.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/families.h"
#include "kernels/kernel_memory.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;

/// The best of many runs, in seconds.
double best_time(const std::function<void()>& f) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  const auto start = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - start).count() < 0.5) {
    const auto begin = Clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

/// Adam's update: p, m, v, g and the step -> p, m, v.
ir::Graph adam(int64_t n) {
  ir::Graph g("adam");
  const TensorType vector{DType::f32, {n}};
  const ir::ValueId p = g.input("p", vector);
  const ir::ValueId m = g.input("m", vector);
  const ir::ValueId v = g.input("v", vector);
  const ir::ValueId grad = g.input("g", vector);
  const ir::ValueId rate = g.input("rate", {DType::f32, {}});
  const auto c = [&](float x) { return g.constant(Tensor::scalar(x)); };
  const auto mul = [&](ir::ValueId a, ir::ValueId b) { return g.add(op::mul, {a, b}); };
  const ir::ValueId m2 = g.add(op::add, {mul(m, c(0.9f)), mul(grad, c(0.1f))});
  const ir::ValueId v2 = g.add(op::add, {mul(v, c(0.999f)), mul(mul(grad, grad), c(0.001f))});
  const ir::ValueId root = g.add(op::sqrt, {mul(v2, c(1.01f))});
  const ir::ValueId step = g.add(op::div, {mul(m2, rate), g.add(op::add, {root, c(1e-8f)})});
  const ir::ValueId decayed = mul(p, c(0.9999f));
  g.output("p", g.add(op::sub, {decayed, step}));
  g.output("m", m2);
  g.output("v", v2);
  return g;
}

ir::Graph unary(const ir::OpSpec& spec, const Shape& shape) {
  ir::Graph g{std::string(spec.name)};
  g.output("y", g.add(spec, {g.input("x", {DType::f32, shape})}));
  return g;
}

ir::Graph bias_relu(const Shape& shape, const Shape& bias) {
  ir::Graph g("bias_relu");
  const ir::ValueId x = g.input("x", {DType::f32, shape});
  g.output("y", g.add(op::relu, {g.add(op::add, {x, g.input("b", {DType::f32, bias})})}));
  return g;
}

/// Runs a body as a fused node with results in the operands' memory, where they fit.
void bench(const ir::Graph& graph, int threads, double bytes_per_element) {
  ir::Attrs attrs{{"body", std::make_shared<const ir::Graph>(graph)}};
  const ir::Node node{&op::fused, {}, attrs, {}, ""};
  Problem problem{&node, {}, {}, default_isa(), threads};
  std::vector<Tensor> operands;
  std::vector<Tensor> results;
  for (ir::ValueId v : graph.inputs()) {
    problem.operands.push_back(graph.type(v));
    operands.emplace_back(graph.type(v).dtype, graph.shape(v));
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    problem.results.push_back(graph.type(graph.outputs()[i].value));
    results.push_back(operands[i]);
  }
  const auto kernel = eltwise_kernels()[0].make(problem);
  KernelMemory memory(*kernel, threads);
  ThreadPool pool(threads);
  std::vector<View> in;
  std::vector<View> out;
  in.reserve(operands.size());
  out.reserve(results.size());
  for (Tensor& t : operands) in.push_back({t.raw(), &t.type()});
  for (Tensor& t : results) out.push_back({t.raw(), &t.type()});
  const Call call = memory.call(in, out, &pool);
  const double seconds = best_time([&] { kernel->run(call); });
  const double n = static_cast<double>(results[0].elements());
  std::printf("%-10s %-18s threads %d  %9.2f us  %7.3f ns/element  %6.1f GB/s\n",
              graph.name().c_str(), results[0].shape().to_string().c_str(), threads, seconds * 1e6,
              seconds * 1e9 / n, n * bytes_per_element / seconds * 1e-9);
}

/// An epilogue on one tile of a matrix product.
void bench_epilogue(int64_t rows, int64_t cols) {
  const ir::Graph graph = bias_relu({1024, 1024}, {1024});
  const TileProgram program(graph, default_isa());
  Tensor scratch(DType::u8, {program.scratch_bytes()});
  Tensor bias(DType::f32, {1024});
  Tensor y(DType::f32, {1024, 1024});
  Tensor tile(DType::f32, {rows, cols});
  const View operand{bias.raw(), &bias.type()};
  const View result{y.raw(), &y.type()};
  const Accumulator accumulator{tile.data<float>(), cols};
  const double seconds = best_time([&] {
    for (int i = 0; i < 1000; ++i)
      program.run({64, rows, 64, cols}, {&operand, 1}, {&result, 1}, scratch.raw(), &accumulator);
  });
  std::printf("epilogue   %-18s %9.1f ns\n", tile.shape().to_string().c_str(), seconds * 1e6);
}

void run_all() {
  for (int threads : {1, 2}) {
    bench(adam(1600000), threads, 28);
    bench(unary(op::neg, {16000000}), threads, 8);
  }
  for (const ir::OpSpec* spec :
       {&op::neg, &op::exp, &op::log, &op::tanh, &op::sigmoid, &op::erf, &op::cos, &op::sqrt})
    bench(unary(*spec, {16000}), 1, 8);
  bench(bias_relu({1600, 10}, {10}), 1, 8);
  bench(bias_relu({160, 100}, {100}), 1, 8);
  bench(bias_relu({32, 500}, {500}), 1, 8);
  bench(bias_relu({10, 1600}, {1600}), 1, 8);
  bench(bias_relu({8, 32, 7, 7}, {32, 1, 1}), 1, 8);
  bench(bias_relu({8, 32, 8, 8}, {32, 1, 1}), 1, 8);
  bench(bias_relu({1600, 10}, {1600, 1}), 1, 8);
  bench(bias_relu({64, 10}, {10}), 1, 8);
  bench(bias_relu({1}, {1}), 1, 8);
  for (int64_t rows : {6, 64})
    for (int64_t cols : {16, 64, 256}) bench_epilogue(rows, cols);
}

}  // namespace
}  // namespace hone::kernels

int main() { hone::kernels::run_all(); }

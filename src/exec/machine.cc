// Best of several short runs: the machine's ability, not its load.
#include "exec/machine.h"

#include <algorithm>
#include <chrono>

#include "exec/executor.h"
#include "ir/expr.h"
#include "kernels/gemm/peak.h"
#include "plan/plan.h"

namespace hone::exec {
namespace {

template <class F>
double best_seconds(int runs, F&& f) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

double run_best(const ir::Graph& graph, Isa isa, ThreadPool* pool) {
  auto program = std::make_shared<const plan::Program>(plan::plan(graph, {isa, pool->threads()}));
  Executor executor(program, pool);
  std::map<std::string, Tensor> inputs;
  StateStore states;
  // Written, so that they are in memory: what is only read may be one page of zeros, many times.
  for (const plan::Binding& b : program->inputs) {
    Tensor values(b.type.dtype, b.type.shape);
    std::fill_n(values.data<float>(), values.elements(), 1.0F);
    inputs.emplace(b.name, std::move(values));
  }
  return best_seconds(8, [&] { executor.run(inputs, states); });
}

double gemm_gflops(Isa isa, ThreadPool* pool) {
  constexpr int64_t n = 1024;
  ir::Graph g("gemm");
  const ir::Expr a = ir::input(g, "a", {DType::f32, {n, n}});
  const ir::Expr b = ir::input(g, "b", {DType::f32, {n, n}});
  g.output("c", ir::matmul(a, b).id);
  return 2e-9 * n * n * n / run_best(g, isa, pool);
}

// c = a + b over 64 MB each: two reads, and a write that first reads its line.
double bandwidth_gb_s(Isa isa, ThreadPool* pool) {
  constexpr int64_t n = 16 << 20;
  ir::Graph g("add");
  const ir::Expr a = ir::input(g, "a", {DType::f32, {n}});
  const ir::Expr b = ir::input(g, "b", {DType::f32, {n}});
  g.output("c", (a + b).id);
  return 4.0 * 4e-9 * n / run_best(g, isa, pool);
}

}  // namespace

MachineReport measure_machine(Isa isa, ThreadPool* pool) {
  ThreadPool one(1);
  return {kernels::measure_fma_peak_gflops(isa), gemm_gflops(isa, &one), gemm_gflops(isa, pool),
          bandwidth_gb_s(isa, pool)};
}

}  // namespace hone::exec

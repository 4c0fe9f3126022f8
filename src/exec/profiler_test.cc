// What the profiler counts, how it groups, and that its trace is one that viewers read.
#include "exec/profiler.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ir/cost.h"
#include "ir/expr.h"
#include "plan/plan.h"

namespace hone::exec {
namespace {

class ProfilerTest : public testing::Test {
 protected:
  ProfilerTest() {
    ir::Graph g("net");
    const ir::Expr x = ir::input(g, "x", {DType::f32, {4, 8}});
    const ir::Expr w = ir::constant(g, Tensor(DType::f32, {8, 8}));
    const ir::Expr a = ir::matmul(x, w, false, false, "block/one/MatMul");
    const ir::Expr b =
        ir::matmul(ir::relu(a, "block/one/Relu"), w, false, false, "block/two/MatMul");
    g.output("y", b.id);
    flops_ = ir::flops(g);
    program_ = std::make_shared<const plan::Program>(plan::plan(g, {Isa::scalar, 1}));
    profiler_ = std::make_unique<Profiler>(program_);
    ThreadPool pool(1);
    Executor executor(program_, &pool);
    StateStore none;
    for (int i = 0; i < 3; ++i) {
      profiler_->start();
      executor.run({{"x", Tensor(DType::f32, {4, 8})}}, none, profiler_->observer());
    }
  }

  int64_t flops_ = 0;
  std::shared_ptr<const plan::Program> program_;
  std::unique_ptr<Profiler> profiler_;
};

TEST_F(ProfilerTest, CountsStepsInOrder) {
  const std::vector<Usage> steps = profiler_->steps();
  ASSERT_EQ(steps.size(), 3);
  EXPECT_EQ(steps[0].name, "block/one/MatMul");
  EXPECT_EQ(steps[1].name, "block/one/Relu");
  double flops = 0;
  for (const Usage& u : steps) {
    EXPECT_EQ(u.calls, 3);
    EXPECT_EQ(u.kernel, "reference");
    EXPECT_GT(u.seconds, 0);
    flops += u.flops;
  }
  EXPECT_EQ(flops, 3 * static_cast<double>(flops_));
  EXPECT_EQ(steps[0].bytes, 3.0 * 4 * (4 * 8 + 8 * 8 + 4 * 8));
}

TEST_F(ProfilerTest, Groups) {
  const std::vector<Usage> layers = profiler_->by_layer();
  ASSERT_EQ(layers.size(), 2);
  for (const Usage& u : layers) EXPECT_EQ(u.calls, u.name == "block/one" ? 6 : 3) << u.name;
  EXPECT_GE(layers[0].seconds, layers[1].seconds);
  const std::vector<Usage> kernels = profiler_->by_kernel();
  ASSERT_EQ(kernels.size(), 1);
  EXPECT_EQ(kernels[0].calls, 9);
  EXPECT_EQ(kernels[0].name, "") << "several layers";
  EXPECT_EQ(layer_of("conv1"), "conv1");
  EXPECT_EQ(layer_of("/relu"), "/relu");
  EXPECT_EQ(layer_of("/a/b/Conv"), "/a/b");
}

TEST_F(ProfilerTest, TheTraceIsTheLastRun) {
  const nlohmann::json trace = nlohmann::json::parse(profiler_->trace());
  double end = 0;
  int slices = 0;
  for (const nlohmann::json& event : trace.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    ++slices;
    EXPECT_GE(event.at("ts").get<double>(), end) << "slices of one thread follow one another";
    EXPECT_GE(event.at("dur").get<double>(), 0);
    end = event.at("ts").get<double>() + event.at("dur").get<double>() - 1e-6;
    EXPECT_EQ(event.at("args").at("results").size(), 1);
  }
  EXPECT_EQ(slices, 3);
}

}  // namespace
}  // namespace hone::exec

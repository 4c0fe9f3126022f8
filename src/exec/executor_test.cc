// The executor: what it refuses, what an observer sees, whose memory is whose.
#include "exec/executor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_support.h"
#include "ir/expr.h"
#include "plan/plan.h"

namespace hone::exec {
namespace {

using ir::Expr;
using test::error_of;

Tensor vector_of(std::vector<float> values) {
  return Tensor::from<float>({static_cast<int64_t>(values.size())}, values);
}

// y = x * w, after which w becomes w + y.
class ExecutorTest : public testing::Test {
 protected:
  static Executor make(ThreadPool* pool) {
    ir::Graph g("tiny");
    const Expr x = ir::input(g, "x", {DType::f32, {3}});
    const Expr w = ir::state(g, "w", {DType::f32, {3}}, true);
    const Expr y = x * w;
    g.output("y", y.id);
    g.update(w.id, (w + y).id);
    return Executor(std::make_shared<const plan::Program>(plan::plan(g, {default_isa(), 1})), pool);
  }

  ThreadPool pool_{1};
  Executor executor_ = make(&pool_);
  std::map<std::string, Tensor> inputs_ = {{"x", vector_of({1, 2, 3})}};
  StateStore states_ = {{"w", vector_of({4, 5, 6})}};
};

TEST_F(ExecutorTest, RunsAndWritesStatesWhereTheyAre) {
  const Tensor w = states_.at("w");  // shares its memory
  executor_.run(inputs_, states_);
  EXPECT_TRUE(executor_.output("y").same_bits(vector_of({4, 10, 18})));
  EXPECT_TRUE(w.same_bits(vector_of({8, 15, 24})));
  executor_.run(inputs_, states_);
  EXPECT_TRUE(executor_.output("y").same_bits(vector_of({8, 30, 72})));
}

TEST_F(ExecutorTest, OutputsAreCopies) {
  executor_.run(inputs_, states_);
  const Tensor y = executor_.output("y");
  executor_.run(inputs_, states_);
  EXPECT_TRUE(y.same_bits(vector_of({4, 10, 18})));
}

TEST_F(ExecutorTest, InputsAreLeftAlone) {
  executor_.run(inputs_, states_);
  EXPECT_TRUE(inputs_.at("x").same_bits(vector_of({1, 2, 3})));
}

TEST_F(ExecutorTest, NamesWhatIsMissingOrWrong) {
  const auto run = [&] { executor_.run(inputs_, states_); };
  states_.at("w") = Tensor(DType::f64, {3});
  EXPECT_EQ(error_of(run), "tiny: state 'w': expected f32[3], found f64[3]");
  states_.clear();
  EXPECT_EQ(error_of(run), "tiny: state 'w' is missing");
  inputs_.at("x") = vector_of({1});
  EXPECT_EQ(error_of(run), "tiny: input 'x': expected f32[3], found f32[1]");
  inputs_.at("x") = {};
  EXPECT_EQ(error_of(run), "tiny: input 'x' is missing");
  inputs_.clear();
  EXPECT_EQ(error_of(run), "tiny: input 'x' is missing");
  EXPECT_EQ(error_of([&] { executor_.output("z"); }), "tiny: no output named 'z'");
}

// A run that is refused changes no state.
TEST_F(ExecutorTest, ARefusedRunChangesNothing) {
  inputs_.at("x") = vector_of({1});
  EXPECT_THROW(executor_.run(inputs_, states_), Error);
  EXPECT_TRUE(states_.at("w").same_bits(vector_of({4, 5, 6})));
}

// An undefined tensor has the type of a scalar, but no memory.
TEST(Executor, AnUndefinedTensorIsMissing) {
  ir::Graph g("scalar");
  g.output("y", ir::relu(ir::input(g, "x", {DType::f32, {}})).id);
  ThreadPool pool(1);
  Executor executor(std::make_shared<const plan::Program>(plan::plan(g, {})), &pool);
  StateStore none;
  EXPECT_EQ(error_of([&] {
              executor.run({{"x", Tensor()}}, none);
            }),
            "scalar: input 'x' is missing");
}

// Outputs are the executor's own, even where they are inputs or states, or next values of states.
TEST(Executor, OutputsOutliveInputsAndStates) {
  ir::Graph g;
  const TensorType type{DType::f32, {3}};
  const ir::Expr x = ir::input(g, "x", type), w = ir::state(g, "w", type, false);
  const ir::Expr next = w + x;
  g.output("x", ir::reshape(x, {3, 1}).id);
  g.output("w", w.id);
  g.output("next", next.id);
  g.update(w.id, next.id);
  const ir::Expr v = ir::state(g, "v", type, false), next_v = v * x;
  g.output("next_v", next_v.id);
  g.update(v.id, next_v.id);
  ThreadPool pool(1);
  Executor executor(std::make_shared<const plan::Program>(plan::plan(g, {})), &pool);
  {
    StateStore states = {{"w", vector_of({4, 5, 6})}, {"v", vector_of({1, 1, 2})}};
    executor.run({{"x", vector_of({1, 2, 3})}}, states);
    EXPECT_TRUE(states.at("w").same_bits(vector_of({5, 7, 9})));
    for (auto& [name, tensor] : states) std::fill_n(tensor.data<float>(), 3, 0.0f);
  }
  EXPECT_TRUE(executor.output("x").same_bits(vector_of({1, 2, 3}).reshaped({3, 1})));
  EXPECT_TRUE(executor.output("w").same_bits(vector_of({4, 5, 6})));
  EXPECT_TRUE(executor.output("next").same_bits(vector_of({5, 7, 9})));
  EXPECT_TRUE(executor.output("next_v").same_bits(vector_of({1, 2, 6})));
}

TEST(Executor, GivesKernelsNoMoreThreadsThanTheyWereMadeFor) {
  struct Probe final : kernels::Kernel {
    mutable int threads = 0;
    void run(const kernels::Call& call) const noexcept override { threads = call.pool->threads(); }
  };
  ThreadPool pool(3);
  for (const auto& [planned, given] : {std::pair{1, 1}, {3, 3}, {4, 3}}) {
    const auto probe = std::make_shared<Probe>();
    plan::Program program;
    program.threads = planned;
    program.steps.emplace_back().kernel = probe;
    StateStore none;
    Executor(std::make_shared<const plan::Program>(std::move(program)), &pool).run({}, none);
    EXPECT_EQ(probe->threads, given);
  }
}

TEST_F(ExecutorTest, AnObserverSeesEveryStepWithItsResults) {
  std::vector<std::string> ops;
  std::vector<float> firsts;
  executor_.run(inputs_, states_,
                [&](const plan::Step& step, std::span<const kernels::View> results) {
                  ops.emplace_back(step.op);
                  firsts.push_back(results[0].as<float>()[0]);
                });
  EXPECT_EQ(ops, (std::vector<std::string>{"mul", "add"}));
  EXPECT_EQ(firsts, (std::vector<float>{4, 8}));
}

}  // namespace
}  // namespace hone::exec

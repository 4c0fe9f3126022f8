// Programs by batch size: made when a size comes, kept, and few.
#include "exec/staged.h"

#include <gtest/gtest.h>

#include "ir/expr.h"

namespace hone::exec {
namespace {

ir::Graph doubling() {
  ir::Graph g("double");
  const ir::Expr x = ir::input(g, "x", {DType::f32, {kBatch, 2}});
  const ir::Expr calls = ir::state(g, "calls", {DType::i64, {}}, false);
  g.output("y", (x * 2).id);
  g.update(calls.id, (calls + 1).id);
  return g;
}

Tensor rows_of(int64_t n) {
  Tensor out(DType::f32, {n, 2});
  for (int64_t i = 0; i < 2 * n; ++i) out.data<float>()[i] = static_cast<float>(i);
  return out;
}

class StagedTest : public testing::Test {
 protected:
  ThreadPool pool_{1};
  StagedExecutor staged_{doubling(), default_isa(), &pool_};
  StateStore states_ = {{"calls", Tensor::scalar_i64(0)}};
};

TEST_F(StagedTest, RunsEveryBatchSizeOnTheSameStates) {
  for (int64_t n : {3, 1, 7, 3}) {
    const Tensor y = staged_.run({{"x", rows_of(n)}}, states_)->output("y");
    ASSERT_EQ(y.shape(), (Shape{n, 2}));
    EXPECT_EQ(y.data<float>()[2 * n - 1], static_cast<float>(2 * (2 * n - 1)));
  }
  EXPECT_EQ(states_.at("calls").data<int64_t>()[0], 4);
}

TEST_F(StagedTest, KeepsAFewProgramsTheLatestUsed) {
  const auto program = [&](int64_t n) { return staged_.program(input_types(doubling(), n)); };
  const auto three = program(3);
  EXPECT_EQ(program(3), three);
  for (int64_t n = 10; n < 17; ++n) program(n);  // with 3, all that are kept
  EXPECT_EQ(program(3), three);
  const auto ten = program(10);
  program(17);  // in place of 11
  EXPECT_EQ(program(10), ten);
  EXPECT_EQ(program(3), three);
}

// The first input by name has no batch; its extent must not be taken for one.
TEST(Staged, TakesTheBatchFromAnInputThatHasIt) {
  ir::Graph g;
  const ir::Expr scale = ir::input(g, "a", {DType::f32, {3}});
  g.output("y", (ir::input(g, "x", {DType::f32, {kBatch, 3}}) * scale).id);
  ThreadPool pool(1);
  StagedExecutor staged(std::move(g), default_isa(), &pool, {});
  StateStore none;
  const StagedExecutor::Loan done =
      staged.run({{"a", Tensor(DType::f32, {3})}, {"x", Tensor(DType::f32, {2, 3})}}, none);
  EXPECT_EQ(done->output("y").shape(), (Shape{2, 3}));
}

TEST_F(StagedTest, RefusesInputsThatDoNotFit) {
  const auto error = [&](const std::map<std::string, Tensor>& inputs) -> std::string {
    try {
      staged_.run(inputs, states_);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(error({}), "double: input 'x' is missing");
  EXPECT_EQ(error({{"x", Tensor::scalar(1)}}), "double: input 'x': expected f32[N,2], found f32[]");
  EXPECT_EQ(error({{"x", Tensor(DType::f32, {4, 3})}}),
            "double: input 'x': expected f32[N,2] with N = 4, found f32[4,3]");
  EXPECT_EQ(states_.at("calls").data<int64_t>()[0], 0);
}

}  // namespace
}  // namespace hone::exec

// Programs by batch size: made when a size comes, kept, and few.
#include "exec/staged.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/allocations.h"
#include "base/error.h"
#include "base/test_support.h"
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
  const auto program = [&](int64_t n) {
    return staged_.program(at_batch("double", input_types(doubling()), n));
  };
  const auto three = program(3);
  EXPECT_EQ(program(3), three);
  for (int64_t n = 10; n < 17; ++n) program(n);  // with 3, all that are kept
  EXPECT_EQ(program(3), three);
  const auto ten = program(10);
  program(17);  // in place of 11
  EXPECT_EQ(program(10), ten);
  EXPECT_EQ(program(3), three);
}

// The program for one row is made only once another one has been made and run.
TEST(Staged, WhoNeedsAnotherProgramDoesNotWait) {
  std::promise<void> begun, others_ran;
  ThreadPool pool(1);
  StagedExecutor staged(
      [&](const InputTypes& types) {
        if (types.at("x").shape[0] == 1) {
          begun.set_value();
          others_ran.get_future().wait();
        }
        return bind_inputs(doubling(), types);
      },
      default_isa(), &pool, {});
  StateStore slow = {{"calls", Tensor::scalar_i64(0)}};
  StateStore quick = slow;
  std::thread caller([&] { staged.run({{"x", rows_of(1)}}, slow); });
  begun.get_future().wait();
  for (int64_t n : {2, 3, 2}) staged.run({{"x", rows_of(n)}}, quick);
  others_ran.set_value();
  caller.join();
}

TEST(Staged, WhatCannotBeMadeIsTriedAgain) {
  ThreadPool pool(1);
  int calls = 0;
  StagedExecutor staged(
      [&](const InputTypes& types) {
        if (calls++ == 0) fail(ErrorKind::Exhausted, "not now");
        return bind_inputs(doubling(), types);
      },
      default_isa(), &pool, {});
  const InputTypes types = {{"x", {DType::f32, {1, 2}}}};
  test::error_of(ErrorKind::Exhausted, [&] { staged.program(types); });
  EXPECT_EQ(staged.program(types), staged.program(types));
  EXPECT_EQ(calls, 2);
}

TEST_F(StagedTest, WhatIsRefusedTakesNoPlace) {
  const auto program = [&](int64_t rows, int64_t columns) {
    return staged_.program({{"x", {DType::f32, {rows, columns}}}});
  };
  std::vector<std::shared_ptr<const plan::Program>> kept;
  constexpr int64_t kMost = kMaxStages;
  for (int64_t n = 0; n < kMost; ++n) kept.push_back(program(n + 1, 2));
  for (int64_t n = 0; n < kMost; ++n) test::error_of([&] { program(n + 1, 3); });
  for (int64_t n = 0; n < kMost; ++n) EXPECT_EQ(program(n + 1, 2), kept[static_cast<size_t>(n)]);
}

// Whether an input too many is refused is the source's to say, whatever was made before.
TEST(Staged, AsksTheSourceForOtherInputs) {
  ThreadPool pool(1);
  StagedExecutor staged(
      [](const InputTypes& types) {
        require(types.size() == 1, "one input too many");
        return bind_inputs(doubling(), types);
      },
      default_isa(), &pool, {});
  StateStore states = {{"calls", Tensor::scalar_i64(0)}};
  Tensors inputs = {{"x", rows_of(2)}};
  staged.run(inputs, states);
  inputs["none"] = Tensor();
  staged.run(inputs, states);
  inputs["more"] = rows_of(2);
  EXPECT_EQ(test::error_of([&] { staged.run(inputs, states); }), "one input too many");
  EXPECT_EQ(test::error_of([&] { staged.program(types_of(inputs)); }), "one input too many");
}

TEST_F(StagedTest, KeepsAFewExecutorsThatNobodyUses) {
  const Tensors inputs = {{"x", rows_of(3)}};
  const auto made = [&] {  // how many of the executors were not there before
    std::list<StagedExecutor::Loan> loans;
    size_t count = 0;
    for (size_t i = 0; i < 2 * kMaxIdle; ++i) {
      const int64_t allocated = allocations();
      StagedExecutor::Loan loan = staged_.borrow(inputs);
      if (allocations() > allocated) ++count;
      loans.push_back(std::move(loan));
    }
    return count;
  };
  EXPECT_EQ(made(), 2 * kMaxIdle);
  EXPECT_EQ(made(), kMaxIdle);
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

// Inference sessions: the bits of the model that was saved, for any number of callers, without
// allocating; and what they refuse.
#include <gtest/gtest.h>
#include <hone/hone.h>

#include <atomic>
#include <thread>

#include "base/allocations.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/test_support.h"
#include "io/onnx_export.h"
#include "ir/expr.h"

namespace hone {
namespace {

using test::error_of;
using test::TempFolder;

Tensor pixels(int64_t n) {
  Tensor x(DType::u8, {n, 1, 12, 12});
  for (int64_t i = 0; i < x.elements(); ++i) x.data<uint8_t>()[i] = static_cast<uint8_t>(37 * i);
  return x;
}

Model small_model() {
  Model model = sequential({conv2d(8, 3, relu, {.padding = Padding::same()}), batch_norm(),
                            max_pool2d(2), flatten(), dense(16, relu), dense(10)});
  model.compile({.seed = 3, .threads = 2});
  model.build({1, 12, 12});
  return model;
}

class SessionTest : public testing::Test {
 protected:
  SessionTest() { model_.save(path_); }

  TempFolder folder_;
  std::string path_ = folder_.file("m.onnx");
  Model model_ = small_model();
};

TEST_F(SessionTest, GivesTheBitsOfTheModelThatWasSaved) {
  const Session session = load(path_, {.threads = 2});
  for (int64_t n : {1, 5, 2}) {
    const Tensor expected = model_.predict(pixels(n));
    EXPECT_TRUE(session.run({{"input", pixels(n)}}).at("logits").same_bits(expected));
    EXPECT_TRUE(
        session.run({{"input", pixels(n).cast(DType::f32)}}).at("logits").same_bits(expected));
  }
}

TEST_F(SessionTest, SaysWhatItTakesAndGives) {
  const Session session = load(path_);
  ASSERT_EQ(session.inputs().size(), 1u);
  EXPECT_EQ(session.inputs()[0].name, "input");
  EXPECT_EQ(session.inputs()[0].type, (TensorType{DType::f32, {kBatch, 1, 12, 12}}));
  ASSERT_EQ(session.outputs().size(), 1u);
  EXPECT_EQ(session.outputs()[0].name, "logits");
  EXPECT_EQ(session.outputs()[0].type, (TensorType{DType::f32, {kBatch, 10}}));
}

TEST_F(SessionTest, WritesOutputsWhereTheyLieAndAllocatesNothing) {
  if (default_isa() == Isa::scalar) GTEST_SKIP() << "the references allocate";
  const Session session = load(path_, {.threads = 1});
  const Tensors inputs = {{"input", pixels(4)}};
  const Tensor mine(DType::f32, {4, 10});
  Tensors outputs = {{"logits", mine}};
  session.run(inputs, outputs);
  EXPECT_TRUE(mine.same_bits(model_.predict(pixels(4))));
  const int64_t before = allocations();
  for (int i = 0; i < 10; ++i) session.run(inputs, outputs);
  EXPECT_EQ(allocations(), before);
  EXPECT_EQ(outputs.at("logits").raw(), mine.raw());

  outputs.at("logits") = Tensor(DType::f32, {1});  // of another type: replaced
  session.run(inputs, outputs);
  EXPECT_TRUE(outputs.at("logits").same_bits(mine));
}

TEST_F(SessionTest, ManyCallersGetTheSameBits) {
  const Session session = load(path_, {.threads = 2});
  std::vector<Tensor> expected(1);
  for (int64_t n = 1; n <= 3; ++n) expected.push_back(model_.predict(pixels(n)));
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int64_t caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      const int64_t n = 1 + caller % 3;
      const Tensors inputs = {{"input", pixels(n)}};
      for (int i = 0; i < 100; ++i)
        if (!session.run(inputs).at("logits").same_bits(expected[static_cast<size_t>(n)])) ++wrong;
    });
  }
  for (std::thread& t : callers) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SessionTest, RefusesWhatDoesNotFit) {
  const Session session = load(path_);
  const auto error = [&](const Tensors& inputs) {
    return error_of(ErrorKind::InvalidInput, [&] { session.run(inputs); });
  };
  EXPECT_EQ(error({}), "model: input 'input' is missing");
  EXPECT_EQ(error({{"input", pixels(1)}, {"image", pixels(1)}}),
            "model: no input 'image': expected 'input'");
  EXPECT_EQ(error({{"input", Tensor(DType::f32, {2, 1, 12, 13})}}),
            "model: input 'input': expected f32[N,1,12,12] with N = 2, found f32[2,1,12,13]");
  EXPECT_EQ(error({{"input", Tensor(DType::i64, {2, 1, 12, 12})}}),
            "model: input 'input': expected f32[N,1,12,12], found i64[2,1,12,12]");
  EXPECT_EQ(error({{"input", Tensor()}}), "model: input 'input' is missing");
}

TEST_F(SessionTest, RefusesAnOutputInAnInputsMemory) {
  const Session session = load(path_);
  const Tensor x(DType::f32, {1, 1, 12, 12});
  Tensors outputs = {{"logits", x.reshaped({144}).rows(0, 10).reshaped({1, 10})}};
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       session.run({{"input", x}}, outputs);
                     }),
            "model.batch1: output 'logits' shares memory with input 'input'");
}

TEST_F(SessionTest, RefusesTwoOutputsInOneMemory) {
  ir::Graph g("two");
  const ir::Expr in = ir::input(g, "x", {DType::f32, {2}});
  g.output("a", (in + 1).id);
  g.output("b", (in * 2).id);
  io::save_onnx(path_, {g, {}});
  const Session session = load(path_);
  const Tensor shared(DType::f32, {2});
  Tensors outputs = {{"a", shared}, {"b", shared}};
  EXPECT_EQ(test::error_of(ErrorKind::InvalidInput,
                           [&] {
                             session.run({{"x", Tensor(DType::f32, {2})}}, outputs);
                           }),
            "two: output 'b' shares memory with output 'a'");
}

// Of batches whose programs are made while others run.
TEST_F(SessionTest, EightThreadsGetTheBitsOfOne) {
  Model tiny = sequential({dense(4, relu), dense(3)});
  tiny.build({5});
  tiny.save(path_);
  constexpr int64_t kThreads = 8, kCalls = 10'000, kBatches = 3;
  std::vector<Tensors> inputs, expected;
  const Session alone = load(path_, {.threads = 1});
  for (int64_t n = 1; n <= kBatches; ++n) {
    Tensor x(DType::f32, {n, 5});
    for (int64_t i = 0; i < x.elements(); ++i)
      x.data<float>()[i] = unit_float(philox(1, 0, static_cast<uint64_t>(i)).v[0]);
    inputs.push_back({{"input", x}});
    expected.push_back(alone.run(inputs.back()));
  }
  const Session session = load(path_, {.threads = 2});
  std::atomic<int64_t> wrong = 0;
  std::vector<std::thread> threads;
  for (int64_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const auto batch = static_cast<size_t>(t % kBatches);
      Tensors outputs;
      for (int64_t i = 0; i < kCalls; ++i) {
        session.run(inputs[batch], outputs);
        if (!outputs.at("logits").same_bits(expected[batch].at("logits"))) ++wrong;
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace hone

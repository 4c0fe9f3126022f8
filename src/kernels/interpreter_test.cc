// The interpreter: what it evaluates, in which precision, and what it refuses.
#include "kernels/interpreter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ir/expr.h"

namespace hone::kernels {
namespace {

using namespace ir;  // NOLINT(google-build-using-namespace): expressions read better without ir::

const TensorType kVector{DType::f32, {3}};

Tensor vector_of(float a, float b, float c) {
  return Tensor::from<float>({3}, std::vector<float>{a, b, c});
}

TEST(Interpreter, GivesOutputsAndUpdatesByName) {
  Graph g;
  const Expr x = input(g, "x", kVector);
  const Expr w = state(g, "w", kVector, true);
  const Expr y = x * w;
  g.output("y", y.id);
  g.update(w.id, (w + y).id);
  const Evaluation out = interpret(g, {{"x", vector_of(1, 2, 3)}}, {{"w", vector_of(4, 5, 6)}});
  EXPECT_TRUE(out.outputs.at("y").same_bits(vector_of(4, 10, 18)));
  EXPECT_TRUE(out.updates.at("w").same_bits(vector_of(8, 15, 24)));
}

TEST(Interpreter, HoldsFloatsAsDoublesAndLeavesIntegers) {
  Graph g;
  const Expr x = input(g, "x", kVector);
  const Expr step = input(g, "step", {DType::i64, {}});
  g.output("y", exp(x + 1).id);
  g.output("next", (step + 1).id);
  const Evaluation out =
      interpret(g, {{"x", vector_of(0, 1, 2)}, {"step", Tensor::scalar_i64(7)}}, {}, true);
  ASSERT_EQ(out.outputs.at("y").dtype(), DType::f64);
  for (int i = 0; i < 3; ++i)
    EXPECT_DOUBLE_EQ(out.outputs.at("y").data<double>()[i], std::exp(1.0 + i));
  EXPECT_TRUE(out.outputs.at("next").same_bits(Tensor::scalar_i64(8)));
}

TEST(Interpreter, TakesDoublesWhereItHoldsDoubles) {
  Graph g;
  g.output("y", (input(g, "x", {DType::f32, {}}) * 3).id);
  const Tensor third = Tensor::from<double>({}, std::vector<double>{1.0 / 3});
  EXPECT_EQ(interpret(g, {{"x", third}}, {}, true).outputs.at("y").data<double>()[0], 1.0);
  EXPECT_THROW(interpret(g, {{"x", third}}), Error);
}

// A fused node computes what its body says, several results included.
TEST(Interpreter, EvaluatesTheBodyOfAFusedNode) {
  Graph body("body");
  const Expr a = input(body, "a", kVector), b = input(body, "b", {DType::f32, {}});
  body.output("sum", (a + b).id);
  body.output("larger", greater(a, b).id);
  Graph g;
  const Expr x = input(g, "x", kVector), two = constant(g, Tensor::scalar(2));
  const NodeId fused = g.append(op::fused, {x.id, two.id},
                                {{"body", std::make_shared<const Graph>(std::move(body))}});
  g.output("sum", g.node(fused).results[0]);
  g.output("larger", g.node(fused).results[1]);
  const Evaluation out = interpret(g, {{"x", vector_of(1, 2, 3)}});
  EXPECT_TRUE(out.outputs.at("sum").same_bits(vector_of(3, 4, 5)));
  EXPECT_TRUE(out.outputs.at("larger").same_bits(Tensor::from<bool>({3}, {false, false, true})));
}

// An epilogue is applied after the contraction: the same bits as the ops one by one.
TEST(Interpreter, AppliesAnEpilogueAfterTheContraction) {
  const TensorType square{DType::f32, {2, 2}};
  Graph body("bias_relu");
  const Expr c = input(body, "c", square), bias = input(body, "bias", {DType::f32, {2}});
  body.output("y", relu(c + bias).id);

  Graph g;
  const Expr a = input(g, "a", square), b = input(g, "b", square);
  const Expr v = constant(g, Tensor::from<float>({2}, std::vector<float>{0.5f, -20}));
  g.output("plain", relu(matmul(a, b) + v).id);
  g.output("epilogue", apply(op::matmul, {a, b, v},
                             {{"epilogue", std::make_shared<const Graph>(std::move(body))}})
                           .id);
  const Evaluation out =
      interpret(g, {{"a", Tensor::from<float>({2, 2}, std::vector<float>{1, 2, 3, 4})},
                    {"b", Tensor::from<float>({2, 2}, std::vector<float>{5, 6, 7, 8})}});
  EXPECT_TRUE(out.outputs.at("epilogue")
                  .same_bits(Tensor::from<float>({2, 2}, std::vector<float>{19.5f, 2, 43.5f, 30})));
  EXPECT_TRUE(out.outputs.at("plain").same_bits(out.outputs.at("epilogue")));
}

TEST(Interpreter, NamesWhatIsMissingOrWrong) {
  Graph g;
  g.output("y", relu(input(g, "x", kVector)).id);
  const auto message = [&](const std::map<std::string, Tensor>& inputs) -> std::string {
    try {
      interpret(g, inputs);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  EXPECT_EQ(message({}), "input 'x' is missing: expected f32[3]");
  EXPECT_EQ(message({{"x", Tensor::scalar(1)}}), "input 'x': expected f32[3], found f32[]");
}

TEST(Interpreter, RefusesTheSymbolicBatch) {
  Graph g;
  g.output("y", relu(input(g, "x", {DType::f32, {kBatch, 3}})).id);
  EXPECT_THROW(interpret(g, {{"x", Tensor(DType::f32, {2, 3})}}), Error);
}

}  // namespace
}  // namespace hone::kernels

// Losses and metrics against their formulas in double.
#include "nn/loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/test_support.h"
#include "kernels/interpreter.h"

namespace hone::nn {
namespace {

using Vector = std::vector<double>;
using Build = ir::Expr (*)(ir::Expr, ir::Expr);

constexpr int64_t kSamples = 4, kClasses = 3;
// The last rows would overflow an exponential that is not shifted.
const Vector kLogits = {0.5, -1, 2, 0, 0, 0, 1000, 998, -1000, -800, -801, -799.5};

ir::Expr cross_entropy(ir::Expr logits, ir::Expr labels) {
  return sample_losses(softmax_cross_entropy(), logits, labels);
}
ir::Expr squared_error(ir::Expr logits, ir::Expr labels) {
  return sample_losses(mean_squared_error(), logits, labels);
}

Vector evaluate(Build build, const Tensor& outputs, const Tensor& labels) {
  const auto declared = [](const Tensor& t) {
    return TensorType{t.dtype() == DType::f64 ? DType::f32 : t.dtype(), t.shape()};
  };
  ir::Graph g("loss");
  const ir::Expr x = ir::input(g, "x", declared(outputs));
  const ir::Expr y = ir::input(g, "y", declared(labels));
  const ir::Expr value = build(x, y);
  EXPECT_EQ(value.shape(), Shape{outputs.shape()[0]});
  EXPECT_EQ(value.dtype(), DType::f32);
  g.output("value", value.id);
  const Tensor out =
      kernels::interpret(g, {{"x", outputs}, {"y", labels}}, {}, true).outputs.at("value");
  return {out.data<double>(), out.data<double>() + out.elements()};
}

std::string error_of(Build build, const Tensor& outputs, const Tensor& labels) {
  return test::error_of([&] { evaluate(build, outputs, labels); });
}

Tensor logits() { return Tensor::from<double>({kSamples, kClasses}, kLogits); }
Tensor classes(const std::vector<int64_t>& c) {
  return Tensor::from<int64_t>({static_cast<int64_t>(c.size())}, c);
}

double log_probability(size_t sample, size_t label) {
  const double* row = &kLogits[sample * kClasses];
  const double largest = *std::max_element(row, row + kClasses);
  double sum = 0;
  for (size_t c = 0; c < kClasses; ++c) sum += std::exp(row[c] - largest);
  return row[label] - largest - std::log(sum);
}

TEST(CrossEntropy, ByClassIndex) {
  const std::vector<int64_t> labels = {2, 0, 1, 0};
  const Vector found = evaluate(cross_entropy, logits(), classes(labels));
  for (size_t i = 0; i < kSamples; ++i)
    EXPECT_NEAR(found[i], -log_probability(i, static_cast<size_t>(labels[i])), 1e-12) << i;
}

TEST(CrossEntropy, ByDistribution) {
  const Vector target = {0.2, 0.3, 0.5, 1, 0, 0, 0.5, 0.5, 0, 0.25, 0.25, 0.5};
  const Vector found =
      evaluate(cross_entropy, logits(), Tensor::from<double>({kSamples, kClasses}, target));
  for (size_t i = 0; i < kSamples; ++i) {
    double expected = 0;
    for (size_t c = 0; c < kClasses; ++c)
      expected -= target[i * kClasses + c] * log_probability(i, c);
    EXPECT_NEAR(found[i], expected, 1e-12 * std::max(1.0, expected)) << i;
  }
}

TEST(CrossEntropy, RefusesLabelsThatDoNotFit) {
  EXPECT_EQ(error_of(cross_entropy, logits(), Tensor(DType::f64, {kSamples, 2})),
            "softmax_cross_entropy: expected labels for logits [4,3], found f32[4,2]");
  EXPECT_EQ(error_of(cross_entropy, Tensor(DType::f64, {4}), classes({0, 0, 0, 0})),
            "softmax_cross_entropy: expected logits [N,classes], found [4]");
  EXPECT_EQ(error_of(cross_entropy, logits(), classes({0, 0, 0})),
            "softmax_cross_entropy: expected labels for logits [4,3], found i64[3]");
}

TEST(MeanSquaredError, IsTheMeanOverASamplesElements) {
  const Vector x = {1, 2, 3, 4, 5, 6, 7, 8}, y = {1, 0, 3, 5, 5.5, 6, 7, 4};
  const Vector flat =
      evaluate(squared_error, Tensor::from<double>({2, 4}, x), Tensor::from<double>({2, 4}, y));
  const Vector image = evaluate(squared_error, Tensor::from<double>({2, 1, 2, 2}, x),
                                Tensor::from<double>({2, 1, 2, 2}, y));
  const Vector expected = {(4 + 1) / 4.0, (0.25 + 16) / 4};
  EXPECT_EQ(flat, expected);
  EXPECT_EQ(image, expected);
}

TEST(MeanSquaredError, OfScalarsIsTheSquare) {
  EXPECT_EQ(evaluate(squared_error, Tensor::from<double>({2}, {1, 2}),
                     Tensor::from<double>({2}, {1.5, -1})),
            (Vector{0.25, 9}));
}

TEST(MeanSquaredError, RefusesTargetsOfAnotherType) {
  EXPECT_EQ(error_of(squared_error, Tensor(DType::f64, {2, 3}), classes({0, 1})),
            "mean_squared_error: expected targets f32[2,3], found i64[2]");
}

TEST(Hits, CountTheLargestOutputAtTheLabel) {
  EXPECT_EQ(evaluate(sample_hits, logits(), classes({2, 0, 1, 0})), (Vector{1, 1, 0, 0}));
  const Vector target = {0.2, 0.3, 0.5, 0, 1, 0, 0.5, 0.4, 0.1, 0.25, 0.25, 0.5};
  EXPECT_EQ(evaluate(sample_hits, logits(), Tensor::from<double>({kSamples, kClasses}, target)),
            (Vector{1, 0, 1, 1}));
}

}  // namespace
}  // namespace hone::nn

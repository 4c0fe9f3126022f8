// What layers compute, against their definitions written out in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ir/bind.h"
#include "kernels/draw.h"
#include "kernels/interpreter.h"
#include "nn/network.h"

namespace hone::nn {
namespace {

using Doubles = std::vector<double>;

Doubles doubles_of(const Tensor& t) {
  const Tensor wide = t.cast(DType::f64);
  return Doubles(wide.data<double>(), wide.data<double>() + wide.elements());
}

// Uniform in [-2, 2).
Tensor random_floats(const Shape& shape, uint64_t seed) {
  kernels::Draw draw(seed);
  Tensor out(DType::f32, shape);
  for (int64_t i = 0; i < out.elements(); ++i)
    out.data<float>()[i] = static_cast<float>(4 * draw.unit() - 2);
  return out;
}

void expect_near(const Doubles& found, const Doubles& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i])))
        << what << ", element " << i;
}

Built build(const std::vector<Layer>& layers, Shape sample) {
  std::vector<int64_t> dims = sample.dims();
  dims.insert(dims.begin(), kBatch);
  return make_network("net", chain(layers), std::nullopt)
      ->build(Mode::inference, {DType::f32, Shape(dims)});
}

kernels::Evaluation run(const Built& built, const Tensor& x,
                        const std::map<std::string, Tensor>& states = {}) {
  return kernels::interpret(ir::bind_batch(built.graph, x.shape()[0]), {{"input", x}}, states,
                            true);
}

TEST(LayerValues, DenseComputesXWPlusB) {
  const Built built = build({dense(2, relu)}, {3});
  const Tensor x = random_floats({4, 3}, 1), w = random_floats({3, 2}, 2),
               b = random_floats({2}, 3);
  const Doubles xs = doubles_of(x), ws = doubles_of(w), bs = doubles_of(b);
  Doubles expected;
  for (size_t n = 0; n < 4; ++n)
    for (size_t o = 0; o < 2; ++o) {
      double y = bs[o];
      for (size_t i = 0; i < 3; ++i) y += xs[3 * n + i] * ws[2 * i + o];
      expected.push_back(std::max(y, 0.0));
    }
  const auto out = run(built, x, {{"dense1.weight", w}, {"dense1.bias", b}});
  expect_near(doubles_of(out.outputs.at("logits")), expected, 1e-12, "dense");
}

// A convolution written out, with everything at once.
TEST(LayerValues, Conv2dComputesItsDefinition) {
  const int64_t c = 4, o = 6, k = 3, stride = 2, dilation = 2, groups = 2, pad = 1, h = 9, w = 8;
  const Built built = build({conv2d(o, k, linear,
                                    {.stride = stride,
                                     .padding = Padding::pixels(pad),
                                     .dilation = dilation,
                                     .groups = groups})},
                            {c, h, w});
  const Tensor x = random_floats({2, c, h, w}, 1), weight = random_floats({o, c / groups, k, k}, 2),
               bias = random_floats({o}, 3);
  const Doubles xs = doubles_of(x), ws = doubles_of(weight), bs = doubles_of(bias);
  const int64_t oh = (h + 2 * pad - 5) / stride + 1, ow = (w + 2 * pad - 5) / stride + 1;
  Doubles expected;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t f = 0; f < o; ++f)
      for (int64_t i = 0; i < oh * ow; ++i) {
        double y = bs[static_cast<size_t>(f)];
        for (int64_t tap = 0; tap < c / groups * k * k; ++tap) {
          const int64_t channel = f / (o / groups) * (c / groups) + tap / (k * k);
          const int64_t row = i / ow * stride - pad + tap / k % k * dilation;
          const int64_t col = i % ow * stride - pad + tap % k * dilation;
          if (row < 0 || row >= h || col < 0 || col >= w) continue;
          y += xs[static_cast<size_t>(((n * c + channel) * h + row) * w + col)] *
               ws[static_cast<size_t>(f * (c / groups) * k * k + tap)];
        }
        expected.push_back(y);
      }
  const auto out = run(built, x, {{"conv1.weight", weight}, {"conv1.bias", bias}});
  expect_near(doubles_of(out.outputs.at("logits")), expected, 1e-12, "conv");
}

TEST(LayerValues, PaddingNeitherWinsAMaximumNorCountsInAnAverage) {
  const Tensor x = Tensor::from<float>({1, 1, 2, 3}, std::vector<float>{-1, -2, -3, -4, -5, -6});
  const auto output = [&](const Layer& layer) {
    return doubles_of(run(build({layer}, {1, 2, 3}), x).outputs.at("logits"));
  };
  EXPECT_EQ(output(max_pool2d(2, {.padding = Padding::same()})), (Doubles{-1, -3}));
  EXPECT_EQ(output(avg_pool2d(2, {.padding = Padding::same()})), (Doubles{-3, -4.5}));
  EXPECT_EQ(output(global_avg_pool2d()), (Doubles{-3.5}));
}

TEST(LayerValues, PixelsAreNormalisedInTheGraph) {
  const auto network =
      make_network("net", chain({flatten()}), Normalization{{10, 20}, {0.5f, 0.25f}});
  const Built built = network->build(Mode::inference, {DType::u8, {kBatch, 2, 1, 2}});
  const Tensor x = Tensor::from<uint8_t>({1, 2, 1, 2}, std::vector<uint8_t>{10, 12, 0, 255});
  EXPECT_EQ(doubles_of(run(built, x).outputs.at("logits")), (Doubles{0, 1, -5, 58.75}));
}

TEST(LayerValues, ChannelsOfZerosStandAroundTheOthers) {
  const Tensor x = Tensor::from<float>({1, 1, 1, 2}, std::vector<float>{3, -4});
  const auto out = run(build({pad_channels(1, 2)}, {1, 1, 2}), x).outputs.at("logits");
  EXPECT_EQ(out.shape(), (Shape{1, 4, 1, 2}));
  EXPECT_EQ(doubles_of(out), (Doubles{0, 0, 3, -4, 0, 0, 0, 0}));
}

// Every activation against its formula.
TEST(LayerValues, ActivationsFollowTheirFormulas) {
  const Tensor x =
      Tensor::from<float>({1, 7}, std::vector<float>{-30.5f, -2.5f, -0.125f, 0, 0.25f, 1.75f, 40});
  const Doubles in = doubles_of(x);
  const auto expect_formula = [&](Activation kind, auto&& formula, const char* name) {
    Doubles expected;
    for (double v : in) expected.push_back(formula(v));
    expect_near(doubles_of(run(build({activation(kind)}, {7}), x).outputs.at("logits")), expected,
                1e-7, name);
  };
  const auto logistic = [](double v) { return 1 / (1 + std::exp(-v)); };
  expect_formula(
      linear, [](double v) { return v; }, "linear");
  expect_formula(
      relu, [](double v) { return std::max(v, 0.0); }, "relu");
  expect_formula(
      relu6, [](double v) { return std::clamp(v, 0.0, 6.0); }, "relu6");
  expect_formula(
      leaky_relu, [](double v) { return v > 0 ? v : 0.01 * v; }, "leaky_relu");
  expect_formula(
      elu, [](double v) { return v > 0 ? v : std::expm1(v); }, "elu");
  expect_formula(sigmoid, logistic, "sigmoid");
  expect_formula(
      tanh_, [](double v) { return std::tanh(v); }, "tanh");
  expect_formula(
      gelu, [](double v) { return v / 2 * (1 + std::erf(v / std::sqrt(2.0))); }, "gelu");
  expect_formula(
      silu, [&](double v) { return v * logistic(v); }, "silu");
  expect_formula(
      softplus, [](double v) { return std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))); },
      "softplus");
  double sum = 0;
  for (double v : in) sum += std::exp(v);
  expect_formula(
      softmax, [&](double v) { return std::exp(v) / sum; }, "softmax");
}

}  // namespace
}  // namespace hone::nn

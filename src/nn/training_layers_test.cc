// The layers that differ between training and inference: batch normalisation and dropout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/interpreter.h"
#include "nn/network.h"

namespace hone::nn {
namespace {

using Tensors = std::map<std::string, Tensor>;
using Vector = std::vector<double>;

double rounded(double x) { return static_cast<double>(static_cast<float>(x)); }

Built build(const std::vector<Layer>& layers, Mode mode, const Shape& batch) {
  return make_network("m", chain(layers), std::nullopt)->build(mode, {DType::f32, batch});
}

/// Numbers around 2 with a spread of 3, all different.
Tensor values(const Shape& shape) {
  Tensor out(DType::f64, shape);
  for (int64_t i = 0; i < out.elements(); ++i)
    out.data<double>()[i] = 2 + 3 * std::sin(static_cast<double>(i * i + 1));
  return out;
}

Tensors norm_states() {
  return {{"norm1.scale", Tensor::from<double>({2}, {1.5, -0.5})},
          {"norm1.offset", Tensor::from<double>({2}, {0.25, 3})},
          {"norm1.mean", Tensor::from<double>({2}, {1, -1})},
          {"norm1.variance", Tensor::from<double>({2}, {0.5, 4})}};
}

/// Compares batch normalisation of [n, 2, plane] with the formulas.
void check_batch_norm(Mode mode, const Shape& shape) {
  constexpr double kMomentum = 0.2, kEpsilon = 1e-2, kTolerance = 1e-12;
  const Tensors states = norm_states();
  const Tensor x = values(shape);
  const Built b = build({batch_norm({.momentum = kMomentum, .epsilon = kEpsilon})}, mode, shape);
  const kernels::Evaluation found = kernels::interpret(b.graph, {{"input", x}}, states, true);
  const double* y = found.outputs.at("logits").data<double>();
  EXPECT_EQ(found.updates.size(), mode == Mode::training ? 2u : 0u);

  const int64_t samples = shape[0], plane = x.elements() / samples / 2;
  const double n = static_cast<double>(samples * plane);
  for (int64_t c = 0; c < 2; ++c) {
    const auto state = [&](const std::string& name) {
      return states.at("norm1." + name).data<double>()[c];
    };
    const auto at = [&](int64_t i) { return i / plane * 2 * plane + c * plane + i % plane; };
    double mean = state("mean"), variance = state("variance");
    if (mode == Mode::training) {
      mean = variance = 0;
      for (int64_t i = 0; i < samples * plane; ++i) mean += x.data<double>()[at(i)] / n;
      for (int64_t i = 0; i < samples * plane; ++i)
        variance += std::pow(x.data<double>()[at(i)] - mean, 2) / n;
      const double keep = rounded(1 - kMomentum), take = rounded(kMomentum);
      EXPECT_NEAR(found.updates.at("norm1.mean").data<double>()[c],
                  keep * state("mean") + take * mean, kTolerance);
      EXPECT_NEAR(found.updates.at("norm1.variance").data<double>()[c],
                  keep * state("variance") + take * variance * n / std::max(n - 1, 1.0),
                  kTolerance);
    }
    for (int64_t i = 0; i < samples * plane; ++i) {
      const double normal =
          (x.data<double>()[at(i)] - mean) / std::sqrt(variance + rounded(kEpsilon));
      EXPECT_NEAR(y[at(i)], normal * state("scale") + state("offset"), kTolerance)
          << "channel " << c << ", place " << i;
    }
  }
}

TEST(BatchNorm, TrainsOnTheBatchsStatistics) {
  check_batch_norm(Mode::training, {3, 2, 2, 5});
  check_batch_norm(Mode::training, {7, 2});
}

TEST(BatchNorm, InfersWithTheRunningStatistics) {
  check_batch_norm(Mode::inference, {3, 2, 2, 5});
  check_batch_norm(Mode::inference, {7, 2});
}

// One element a channel has no unbiased variance: 0, not NaN.
TEST(BatchNorm, OfOneElementStaysFinite) { check_batch_norm(Mode::training, {1, 2}); }

TEST(BatchNorm, StartsAsTheIdentity) {
  for (const StateInit& s : build({batch_norm()}, Mode::training, {4, 2}).states) {
    EXPECT_EQ(s.init.kind, Initializer::Kind::constant) << s.name;
    EXPECT_EQ(s.init.a, s.name.ends_with("scale") || s.name.ends_with("variance")) << s.name;
  }
}

TEST(BatchNorm, RefusesOptionsOutOfRange) {
  EXPECT_THROW(batch_norm({.momentum = 1.5}), Error);
  EXPECT_THROW(batch_norm({.momentum = -0.1}), Error);
  EXPECT_THROW(batch_norm({.epsilon = -1}), Error);
}

constexpr int64_t kRows = 100, kColumns = 400;

/// What dropout makes of ones.
Vector dropped(const Built& built, int64_t seed, int64_t step) {
  Tensor ones(DType::f64, {kRows, kColumns});
  std::fill_n(ones.data<double>(), ones.elements(), 1.0);
  const Tensor y = kernels::interpret(built.graph, {{"input", ones}},
                                      {{"train/seed", Tensor::scalar_i64(seed)},
                                       {"train/step", Tensor::scalar_i64(step)}},
                                      true)
                       .outputs.at("logits");
  return {y.data<double>(), y.data<double>() + y.elements()};
}

Built dropout_graph(double rate, std::string name = {}, Mode mode = Mode::training) {
  return build({dropout(rate, std::move(name))}, mode, {kRows, kColumns});
}

TEST(Dropout, ZeroesItsRateAndScalesTheRest) {
  for (const double rate : {0.1, 0.5, 0.9}) {
    double zeros = 0;
    for (const double y : dropped(dropout_graph(rate), 3, 4)) {
      if (y == 0) ++zeros;
      else EXPECT_EQ(y, rounded(1 / (1 - rate)));
    }
    const double n = kRows * kColumns;
    EXPECT_NEAR(zeros / n, rate, 5 * std::sqrt(rate * (1 - rate) / n));
  }
}

TEST(Dropout, IsOffInInferenceAndAtRateZero) {
  for (const Built& b : {dropout_graph(0.5, "", Mode::inference), dropout_graph(0)}) {
    EXPECT_TRUE(b.graph.states().empty());
    EXPECT_EQ(dropped(b, 3, 4), Vector(kRows * kColumns, 1.0));
  }
}

// Two masks that do not depend on one another agree in about half of their places at rate 0.5.
TEST(Dropout, MaskDependsOnSeedStepAndPathAlone) {
  const Vector first = dropped(dropout_graph(0.5, "a"), 3, 4);
  EXPECT_EQ(first, dropped(dropout_graph(0.5, "a"), 3, 4));
  for (const Vector& other :
       {dropped(dropout_graph(0.5, "a"), 5, 4), dropped(dropout_graph(0.5, "a"), 3, 5),
        dropped(dropout_graph(0.5, "a"), 4, 3), dropped(dropout_graph(0.5, "b"), 3, 4)}) {
    double equal = 0;
    for (size_t i = 0; i < first.size(); ++i) equal += first[i] == other[i];
    EXPECT_NEAR(equal / static_cast<double>(first.size()), 0.5, 0.0125);
  }
}

TEST(Dropout, TwoLayersHaveMasksOfTheirOwn) {
  const Built two = build({dropout(0.5), dropout(0.5)}, Mode::training, {kRows, kColumns});
  double kept = 0;
  for (const double y : dropped(two, 3, 4)) kept += y != 0;
  EXPECT_NEAR(kept / (kRows * kColumns), 0.25, 0.011);
  EXPECT_EQ(two.graph.states().size(), 2u);
}

TEST(Dropout, RefusesRatesOutOfRange) {
  EXPECT_THROW(dropout(1), Error);
  EXPECT_THROW(dropout(-0.1), Error);
}

}  // namespace
}  // namespace hone::nn

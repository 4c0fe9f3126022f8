// Initialisers: bounds, mean and variance of each, and that nothing but the seed and the name
// decides.
#include "nn/init.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hone::nn {
namespace {

constexpr int64_t kFanIn = 30, kFanOut = 70;

StateInit weight(const Initializer& init, std::string name = "dense1.weight",
                 Shape shape = {200, 500}) {
  return {std::move(name), {DType::f32, std::move(shape)}, init, kFanIn, kFanOut};
}

struct Statistics {
  double min, max, mean, variance, kurtosis;
};

Statistics statistics_of(const Tensor& t) {
  const float* x = t.data<float>();
  const int64_t n = t.elements();
  Statistics out{x[0], x[0], 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) {
    const double v = x[i];
    out.min = std::min(out.min, v);
    out.max = std::max(out.max, v);
    out.mean += v / static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) {
    const double square = std::pow(x[i] - out.mean, 2);
    out.variance += square / static_cast<double>(n);
    out.kurtosis += square * square / static_cast<double>(n);
  }
  out.kurtosis /= out.variance * out.variance;
  return out;
}

struct Expected {
  std::string name;
  Initializer init;
  double mean, variance;
  bool normal;
};

class Distribution : public testing::TestWithParam<Expected> {};

// 100,000 draws: the mean's standard error is 0.0032 deviations, the variance's below 0.0045 of it.
TEST_P(Distribution, HasItsMeanVarianceAndShape) {
  const Expected& e = GetParam();
  const double deviation = std::sqrt(e.variance);
  for (const uint64_t seed : {1u, 2u, 3u}) {
    const Statistics s = statistics_of(initialize(weight(e.init), seed));
    EXPECT_NEAR(s.mean, e.mean, 0.015 * deviation) << "seed " << seed;
    EXPECT_NEAR(s.variance, e.variance, 0.02 * e.variance) << "seed " << seed;
    if (e.normal) {
      EXPECT_NEAR(s.kurtosis, 3, 0.1) << "seed " << seed;
      EXPECT_GT(s.max, e.mean + 3.5 * deviation) << "seed " << seed;
      EXPECT_LT(s.min, e.mean - 3.5 * deviation) << "seed " << seed;
      continue;
    }
    const double half = std::sqrt(3 * e.variance), slack = 1e-6 * (half + std::abs(e.mean));
    EXPECT_NEAR(s.kurtosis, 1.8, 0.02) << "seed " << seed;
    EXPECT_GE(s.min, e.mean - half - slack) << "seed " << seed;
    EXPECT_LE(s.max, e.mean + half + slack) << "seed " << seed;
    EXPECT_NEAR(s.min, e.mean - half, 1e-3 * half) << "seed " << seed;
    EXPECT_NEAR(s.max, e.mean + half, 1e-3 * half) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Distribution,
    testing::Values(Expected{"uniform", Initializer::uniform(-1, 3), 1, 16.0 / 12, false},
                    Expected{"normal", Initializer::gaussian(2, 0.5), 2, 0.25, true},
                    Expected{"glorot_uniform", Initializer::glorot_uniform(), 0,
                             2.0 / (kFanIn + kFanOut), false},
                    Expected{"glorot_normal", Initializer::glorot_normal(), 0,
                             2.0 / (kFanIn + kFanOut), true},
                    Expected{"he_uniform", Initializer::he_uniform(), 0, 2.0 / kFanIn, false},
                    Expected{"he_normal", Initializer::he_normal(), 0, 2.0 / kFanIn, true}),
    [](const auto& info) { return info.param.name; });

TEST(Initialize, ConstantsFillTheTensor) {
  const Tensor c = initialize(weight(Initializer::constant(1.5), "c", {3, 4}), 1);
  EXPECT_EQ(c.type(), (TensorType{DType::f32, {3, 4}}));
  const Tensor z = initialize(weight(Initializer::zeros(), "z", {5}), 1);
  EXPECT_TRUE(
      std::all_of(c.data<float>(), c.data<float>() + 12, [](float x) { return x == 1.5F; }));
  EXPECT_TRUE(std::all_of(z.data<float>(), z.data<float>() + 5, [](float x) { return x == 0; }));
}

TEST(Initialize, IsAPureFunctionOfSeedAndName) {
  for (const Initializer& init :
       {Initializer::uniform(-1, 1), Initializer::gaussian(0, 1), Initializer::he_normal()}) {
    const Tensor first = initialize(weight(init), 7);
    EXPECT_TRUE(first.same_bits(initialize(weight(init), 7)));
    EXPECT_FALSE(first.same_bits(initialize(weight(init), 8)));
    EXPECT_FALSE(first.same_bits(initialize(weight(init, "dense2.weight"), 7)));
  }
}

// Streams of different names must not be shifted copies of one another.
TEST(Initialize, DrawsOfTwoNamesAreUncorrelated) {
  const Tensor a = initialize(weight(Initializer::gaussian(0, 1), "a"), 7);
  const Tensor b = initialize(weight(Initializer::gaussian(0, 1), "b"), 7);
  const Tensor c = initialize(weight(Initializer::gaussian(0, 1), "a"), 8);
  double ab = 0, ac = 0, lag = 0;
  const int64_t n = a.elements();
  for (int64_t i = 0; i + 1 < n; ++i) {
    ab += double{a.data<float>()[i]} * b.data<float>()[i];
    ac += double{a.data<float>()[i]} * c.data<float>()[i];
    lag += double{a.data<float>()[i]} * a.data<float>()[i + 1];
  }
  const double error = 5 * std::sqrt(static_cast<double>(n));
  EXPECT_LT(std::abs(ab), error);
  EXPECT_LT(std::abs(ac), error);
  EXPECT_LT(std::abs(lag), error);
}

}  // namespace
}  // namespace hone::nn

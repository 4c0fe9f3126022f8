// What the tests of the training loop share: a tiny network, and what runs of it must agree in.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "base/cpu.h"
#include "train/fit.h"
#include "train/synthetic.h"

namespace hone::train {

inline constexpr int64_t kSamples = 200;
inline constexpr int64_t kBatchSize = 32;  // seven steps an epoch, the last with 8 samples
inline constexpr int64_t kSteps = 7;

inline std::vector<Layer> convnet(int64_t filters = 4) {
  return {conv2d(filters, 3, linear, {.padding = Padding::same()}),
          batch_norm(),
          activation(relu),
          max_pool2d(2),
          flatten(),
          dropout(0.3),
          dense(3)};
}

/// A network with everything that a fit of it needs.
struct Trainee {
  std::shared_ptr<const nn::Network> network;
  CompileOptions options = {.optimizer = adam({.lr = 0.01}), .metrics = {accuracy()}, .seed = 7};
  Isa isa = default_isa();
  ThreadPool pool;
  Evaluator evaluator;
  exec::StateStore states;

  explicit Trainee(const std::vector<Layer>& layers = convnet(), int threads = 2,
                   Isa level = default_isa())
      : network(nn::make_network("tiny", nn::chain(layers),
                                 nn::Normalization{{80.0f}, {1.0f / 50.0f}})),
        isa(level),
        pool(threads),
        evaluator(network, softmax_cross_entropy(), level, &pool) {}

  History fit(const data::Dataset& train, const FitOptions& fit_options) {
    return train::fit({network, options, passes::PassOptions::from_environment(), isa, &pool,
                       &evaluator, &states},
                      train, fit_options);
  }
};

inline FitOptions base_options(int epochs = 2) {
  FitOptions out;
  out.epochs = epochs;
  out.batch = kBatchSize;
  out.augment = {.flip = false, .crop_pad = 1};
  return out;
}

/// Validation data with wrong labels, so that learning makes its loss grow.
inline data::Dataset mislabelled() {
  data::Dataset out = synthetic_images(60, 1);
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t& label = out.labels.data<int64_t>()[i];
    label = (label + 1) % 3;
  }
  return out;
}

/// Stops after `steps` steps of the whole fit.
inline std::function<bool()> stop_after(int steps) {
  return [left = steps]() mutable { return --left == 0; };
}

inline void expect_same_states(const exec::StateStore& a, const exec::StateStore& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_TRUE(tensor.same_bits(b.at(name))) << name;
  }
}

inline void expect_same_number(double a, double b) {
  if (std::isnan(a)) EXPECT_TRUE(std::isnan(b)) << b;
  else EXPECT_EQ(a, b);
}

inline void expect_same_history(const History& a, const History& b) {
  ASSERT_EQ(a.epochs.size(), b.epochs.size());
  for (size_t i = 0; i < a.epochs.size(); ++i) {
    expect_same_number(a.epochs[i].loss, b.epochs[i].loss);
    expect_same_number(a.epochs[i].accuracy, b.epochs[i].accuracy);
    expect_same_number(a.epochs[i].validation_loss, b.epochs[i].validation_loss);
    expect_same_number(a.epochs[i].validation_accuracy, b.epochs[i].validation_accuracy);
  }
  EXPECT_EQ(a.best_epoch, b.best_epoch);
  EXPECT_EQ(a.stopped_early, b.stopped_early);
}

}  // namespace hone::train

// The training loop on tiny data: it learns, stops when it should, has the same bits on any
// machine, and says what is wrong.
#include "train/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/cpu.h"
#include "data/test_files.h"
#include "train/fit_test_support.h"

namespace hone::train {
namespace {

using test::expect_error;

TEST(Fit, LearnsAndReportsEveryEpoch) {
  const data::Dataset train = synthetic_images(kSamples);
  Trainee run;
  FitOptions options = base_options(6);
  options.validation = synthetic_images(60, 1);
  int64_t steps = 0;
  int epochs = 0;
  double loss = 0, hits = 0, samples = 0;
  options.on_progress = [&](const Progress& p) {
    EXPECT_EQ(p.epoch, steps / kSteps);
    EXPECT_EQ(p.step, steps % kSteps + 1);
    EXPECT_EQ(p.steps, kSteps);
    // The mean over the epoch is that of its steps, by their samples.
    const double n = p.step == kSteps ? kSamples - kBatchSize * (kSteps - 1) : kBatchSize;
    if (p.step == 1) loss = hits = samples = 0;
    loss += n * p.step_loss;
    hits += n * p.step_accuracy;
    samples += n;
    EXPECT_DOUBLE_EQ(p.loss, loss / samples);
    EXPECT_DOUBLE_EQ(p.accuracy, hits / samples);
    ++steps;
  };
  options.on_epoch = [&](int epoch, const Epoch&) { EXPECT_EQ(epoch, epochs++); };
  const History history = run.fit(train, options);
  ASSERT_EQ(history.epochs.size(), 6u);
  EXPECT_EQ(steps, 6 * kSteps);
  EXPECT_EQ(epochs, 6);
  EXPECT_LT(history.epochs.back().loss, 0.5 * history.epochs.front().loss);
  EXPECT_GT(history.epochs.back().accuracy, 0.8);
  EXPECT_GT(history.epochs.back().validation_accuracy, 0.9);
  EXPECT_FALSE(history.stopped_early);
}

TEST(Fit, KeepsWithinALimitOfMemoryWithTheSameBits) {
  const data::Dataset train = synthetic_images(kSamples);
  std::vector<Layer> layers;
  for (int i = 0; i < 3; ++i)
    layers.insert(layers.end(), {conv2d(8, 3, linear, {.padding = Padding::same()}), batch_norm(),
                                 activation(relu)});
  layers.insert(layers.end(), {dropout(0.3), flatten(), dense(3)});
  const auto run_within = [&](Trainee& run, int64_t limit) {
    FitOptions options = base_options(1);
    options.memory_limit = limit;
    StepMemory memory{};
    options.on_plan = [&](const StepMemory& m) { memory = m; };
    run.fit(train, options);
    return memory;
  };
  Trainee free(layers), limited(layers);
  const StepMemory whole = run_within(free, 0);
  EXPECT_EQ(whole.bytes, whole.unlimited_bytes);
  EXPECT_EQ(whole.recomputed, 0);
  Trainee tight(layers);
  const StepMemory scratch_moves = run_within(tight, whole.bytes - 1);
  EXPECT_LT(scratch_moves.bytes, whole.bytes);
  EXPECT_EQ(scratch_moves.unlimited_bytes, whole.bytes);
  EXPECT_EQ(scratch_moves.recomputed > 0, default_isa() == Isa::scalar);  // has no scratch
  expect_same_states(free.states, tight.states);
  const StepMemory less = run_within(limited, scratch_moves.bytes * 7 / 8);
  EXPECT_LE(less.bytes, scratch_moves.bytes * 7 / 8);
  EXPECT_EQ(less.unlimited_bytes, whole.bytes);
  EXPECT_GT(less.recomputed, 0);
  EXPECT_LT(less.recomputed, 1);
  expect_same_states(free.states, limited.states);
  for (int64_t sixteenths : {13, 15}) {
    Trainee other(layers);
    const int64_t limit = scratch_moves.bytes * sixteenths / 16;
    EXPECT_LE(run_within(other, limit).bytes, limit);
    expect_same_states(free.states, other.states);
  }
  expect_error(ErrorKind::Exhausted, {"memory limit of 1000 bytes is too low: expected at least"},
               [&] { run_within(limited, 1000); });
  expect_error(ErrorKind::InvalidInput, {"expected a memory limit of at least 0, found -1"},
               [&] { run_within(limited, -1); });
}

TEST(Fit, StopsWhenValidationNoLongerImproves) {
  const data::Dataset train = synthetic_images(kSamples);
  Trainee run;
  FitOptions options = base_options(20);
  options.validation = mislabelled();
  options.patience = 3;
  const History history = run.fit(train, options);
  EXPECT_TRUE(history.stopped_early);
  ASSERT_GE(history.best_epoch, 0);
  EXPECT_EQ(history.epochs.size(), static_cast<size_t>(history.best_epoch) + 4);
  for (const Epoch& e : history.epochs)
    EXPECT_GE(e.validation_loss,
              history.epochs[static_cast<size_t>(history.best_epoch)].validation_loss);
}

TEST(Fit, RestoresTheWeightsOfTheBestEpoch) {
  const data::Dataset train = synthetic_images(kSamples);
  FitOptions options = base_options(5);
  options.validation = mislabelled();
  Trainee last;
  const History history = last.fit(train, options);
  ASSERT_LT(history.best_epoch, 4);
  options.restore_best = true;
  Trainee best;
  best.fit(train, options);
  const double lowest = history.epochs[static_cast<size_t>(history.best_epoch)].validation_loss;
  EXPECT_EQ(best.evaluator.evaluate(options.validation, best.states).loss, lowest);
  EXPECT_GT(last.evaluator.evaluate(options.validation, last.states).loss, lowest);

  Trainee short_run;  // the best epoch's states are those of a fit that ends there
  FitOptions until_best = base_options(history.best_epoch + 1);
  short_run.fit(train, until_best);
  expect_same_states(best.states, short_run.states);
}

TEST(Fit, ThreadsDoNotChangeABit) {
  const data::Dataset train = synthetic_images(kSamples);
  Trainee one(convnet(), 1);
  const History expected = one.fit(train, base_options());
  for (int threads : {2, 3, 5}) {
    SCOPED_TRACE(threads);
    Trainee run(convnet(), threads);
    expect_same_history(run.fit(train, base_options()), expected);
    expect_same_states(run.states, one.states);
  }
}

TEST(Fit, InstructionSetsDoNotChangeABit) {
  const data::Dataset train = synthetic_images(70);
  Trainee scalar(convnet(), 2, Isa::scalar);
  const History expected = scalar.fit(train, base_options(1));
  for (Isa isa : available_isas()) {
    SCOPED_TRACE(name_of(isa));
    Trainee run(convnet(), 2, isa);
    expect_same_history(run.fit(train, base_options(1)), expected);
    expect_same_states(run.states, scalar.states);
  }
}

TEST(Fit, OptionalPassesDoNotChangeABit) {
  const data::Dataset train = synthetic_images(kSamples);
  Trainee optimised;
  const History expected = optimised.fit(train, base_options(1));
  setenv("HONE_DISABLE_PASSES", "all", 1);
  Trainee plain;
  const History history = plain.fit(train, base_options(1));
  unsetenv("HONE_DISABLE_PASSES");
  expect_same_history(history, expected);
  expect_same_states(plain.states, optimised.states);
}

TEST(Fit, AnotherSeedGivesOtherBits) {
  const data::Dataset train = synthetic_images(kSamples);
  Trainee a;
  Trainee b;
  b.options.seed = 8;
  EXPECT_NE(a.fit(train, base_options(1)).epochs[0].loss,
            b.fit(train, base_options(1)).epochs[0].loss);
}

TEST(Fit, NamesTheStepAndTheOpOfANaN) {
  Trainee run({flatten(), dense(8, relu), dense(3)});
  run.options.optimizer = sgd({.lr = 1e30});
  expect_error(ErrorKind::InvalidInput,
               {"the loss became NaN at epoch 1, step ", " of 7: the first op that gave NaN was "},
               [&] { run.fit(synthetic_images(kSamples), base_options()); });
}

// The weights grow at every step.
TEST(Fit, LooksForANaNFromTheEpochBeforeOn) {
  Trainee run({flatten(), dense(8, relu), dense(3)});
  run.options.optimizer = sgd({.lr = 0.1, .weight_decay = -500});
  expect_error(ErrorKind::InvalidInput, {"epoch 2, step 6 of 7: the first op that gave NaN was "},
               [&] { run.fit(synthetic_images(kSamples), base_options()); });
}

// An infinite weight under tanh gives a finite loss; on the way back it meets a gradient of 0.
TEST(Fit, NamesTheLayerWhoseGradientGaveNaN) {
  Trainee run({flatten(), dense(4), dense(3, tanh_)});
  run.fit(synthetic_images(kSamples), base_options(1));
  run.states.at("dense2.weight").data<float>()[0] = std::numeric_limits<float>::infinity();
  expect_error(ErrorKind::InvalidInput, {"epoch 1, step 2 of 7", "'grad(dense2)', 1 step before"},
               [&] { run.fit(synthetic_images(kSamples), base_options()); });
}

TEST(Fit, NamesTheStateThatHeldNaN) {
  Trainee run;
  run.fit(synthetic_images(kSamples), base_options(1));
  run.states.at("dense1.bias").data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorKind::InvalidInput,
               {"the loss became NaN at epoch 1, step 1 of 7: ", "'dense1.bias' held NaN"},
               [&] { run.fit(synthetic_images(kSamples), base_options()); });
}

TEST(Fit, RefusesWhatCannotBeTrained) {
  Trainee run;
  FitOptions options = base_options();
  expect_error(ErrorKind::InvalidInput, {"batch of 32", "'synthetic' of 20 samples"},
               [&] { run.fit(synthetic_images(20), options); });
  data::Dataset empty;
  empty.name = "void";
  expect_error(ErrorKind::InvalidInput, {"'void' is empty"}, [&] { run.fit(empty, options); });
  options.epochs = 0;
  expect_error(ErrorKind::InvalidInput, {"at least 1 epoch, found 0"},
               [&] { run.fit(synthetic_images(kSamples), options); });
  options = base_options();
  options.batch = 0;
  expect_error(ErrorKind::InvalidInput, {"batch of at least 1, found 0"},
               [&] { run.fit(synthetic_images(kSamples), options); });
  options = base_options();
  options.shards = 33;
  expect_error(ErrorKind::InvalidInput, {"shards", "32", "found 33"},
               [&] { run.fit(synthetic_images(kSamples), options); });
  options = base_options();
  options.resume = true;
  expect_error(ErrorKind::InvalidInput, {"resume needs the checkpoint directory"},
               [&] { run.fit(synthetic_images(kSamples), options); });
  data::Dataset unlabelled = synthetic_images(kSamples);
  unlabelled.labels = {};
  expect_error(ErrorKind::InvalidInput, {"expected labels", "found none"},
               [&] { run.fit(unlabelled, base_options()); });
  options = base_options();
  options.validation = unlabelled;
  expect_error(ErrorKind::InvalidInput, {"expected labels", "found none"},
               [&] { run.fit(synthetic_images(kSamples), options); });
  EXPECT_TRUE(run.states.empty());
}

}  // namespace
}  // namespace hone::train

// The training loop on tiny data: it learns, stops when it should, goes on with the same bits, and
// says what is wrong.
#include "train/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/cpu.h"
#include "data/test_files.h"
#include "train/synthetic.h"

namespace hone::train {
namespace {

using test::expect_error;
using test::TempFolder;

constexpr int64_t kSamples = 200;
constexpr int64_t kBatchSize = 32;  // seven steps an epoch, the last with 8 samples
constexpr int64_t kSteps = 7;

std::vector<Layer> convnet(int64_t filters = 4) {
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

FitOptions base_options(int epochs = 2) {
  FitOptions out;
  out.epochs = epochs;
  out.batch = kBatchSize;
  out.augment = {.flip = false, .crop_pad = 1};
  return out;
}

/// Stops after `steps` steps of the whole fit.
std::function<bool()> stop_after(int steps) {
  return [left = steps]() mutable { return --left == 0; };
}

void expect_same_states(const exec::StateStore& a, const exec::StateStore& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_TRUE(tensor.same_bits(b.at(name))) << name;
  }
}

void expect_same_number(double a, double b) {
  if (std::isnan(a)) EXPECT_TRUE(std::isnan(b)) << b;
  else EXPECT_EQ(a, b);
}

void expect_same_history(const History& a, const History& b) {
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
  const StepMemory less = run_within(limited, whole.bytes * 7 / 8);
  EXPECT_LE(less.bytes, whole.bytes * 7 / 8);
  EXPECT_EQ(less.unlimited_bytes, whole.bytes);
  EXPECT_GT(less.recomputed, 0);
  EXPECT_LT(less.recomputed, 1);
  expect_same_states(free.states, limited.states);
  expect_error(ErrorKind::Exhausted, {"memory limit of 1000 bytes is too low: expected at least"},
               [&] { run_within(limited, 1000); });
  expect_error(ErrorKind::InvalidInput, {"expected a memory limit of at least 0, found -1"},
               [&] { run_within(limited, -1); });
}

// Labels of the validation data are wrong, so that learning makes its loss grow.
data::Dataset mislabelled() {
  data::Dataset out = synthetic_images(60, 1);
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t& label = out.labels.data<int64_t>()[i];
    label = (label + 1) % 3;
  }
  return out;
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

// Taken up for more epochs, a run follows the longer schedule from there on.
TEST(Fit, ResumesForMoreEpochsThanItWasBegunFor) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(1);
  options.checkpoint_dir = folder.path();
  options.resume = true;
  Trainee first, second;
  first.options.optimizer.schedule = Schedule::cosine(kSteps);
  first.fit(train, options);
  options.epochs = 2;
  second.options.optimizer.schedule = Schedule::cosine(2 * kSteps);
  EXPECT_EQ(second.fit(train, options).epochs.size(), 2u);
  EXPECT_EQ(second.states.at("optimizer/schedule_steps").data<float>()[0], 2 * kSteps);
}

TEST(Fit, RestoresTheBestEpochOfBeforeAResume) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(5);
  options.validation = mislabelled();
  options.restore_best = true;
  Trainee whole;
  const History expected = whole.fit(train, options);
  ASSERT_LT(expected.best_epoch, 3);

  options.checkpoint_dir = folder.path();
  options.resume = true;
  options.should_stop = stop_after(3 * kSteps + 2);
  Trainee first;
  EXPECT_THROW(first.fit(train, options), Error);
  options.should_stop = {};
  Trainee second;
  expect_same_history(second.fit(train, options), expected);
  expect_same_states(second.states, whole.states);
}

// A run that once kept its best weights and then, resumed, did not: those it has are not the best.
TEST(Fit, DoesNotTakeOlderWeightsForTheBest) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(1);
  options.validation = train;  // so that each epoch is better than the one before
  options.checkpoint_dir = folder.path();
  options.restore_best = true;
  Trainee first;
  first.fit(train, options);
  options.resume = true;
  options.restore_best = false;
  options.epochs = 3;
  Trainee second;
  ASSERT_GT(second.fit(train, options).best_epoch, 0);
  options.restore_best = true;
  options.epochs = 4;
  Trainee third;
  EXPECT_THROW(third.fit(train, options), Error);
}

// Stopped after a step of any place in the epoch (its first, middle and last), a resumed fit ends
// as the uninterrupted one.
TEST(Fit, ResumesWithTheSameBits) {
  const data::Dataset train = synthetic_images(kSamples);
  FitOptions options = base_options(3);
  options.validation = synthetic_images(60, 1);
  Trainee whole;
  const History expected = whole.fit(train, options);
  for (int stop : {1, 10, static_cast<int>(2 * kSteps)}) {
    SCOPED_TRACE(stop);
    const TempFolder folder;
    options.checkpoint_dir = folder.path();
    options.resume = true;
    options.should_stop = stop_after(stop);
    Trainee first;
    expect_error(ErrorKind::Cancelled, {"stopped at epoch", "saved in '" + folder.path() + "'"},
                 [&] { first.fit(train, options); });
    EXPECT_EQ(first.states.at("train/step").data<int64_t>()[0], stop);
    options.should_stop = {};
    Trainee second(convnet(), 3);
    const History history = second.fit(train, options);
    expect_same_history(history, expected);
    expect_same_states(second.states, whole.states);
    EXPECT_EQ(second.states.at("train/step").data<int64_t>()[0], 3 * kSteps);
  }
}

TEST(Fit, ResumesFromTheLastSavedStep) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(2);
  Trainee whole;
  const History expected = whole.fit(train, options);
  options.checkpoint_dir = folder.path();
  options.checkpoint_steps = 2;
  options.on_progress = [](const Progress& p) {
    if (p.epoch == 1 && p.step == 6) throw Error(ErrorKind::Internal, "the process dies here");
  };
  Trainee first;
  EXPECT_THROW(first.fit(train, options), Error);
  options.resume = true;
  int64_t steps = 0;
  options.on_progress = [&](const Progress&) { ++steps; };
  Trainee second;
  expect_same_history(second.fit(train, options), expected);
  expect_same_states(second.states, whole.states);
  EXPECT_EQ(steps, kSteps - 4);  // saved after step 4 of the second epoch
}

TEST(Fit, ResumingAFinishedRunGivesItsHistoryAndGoesOn) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(2);
  options.checkpoint_dir = folder.path();
  options.resume = true;
  Trainee first;
  const History done = first.fit(train, options);
  Trainee again;
  expect_same_history(again.fit(train, options), done);
  expect_same_states(again.states, first.states);
  options.epochs = 3;
  Trainee longer;
  const History more = longer.fit(train, options);
  Trainee whole;
  expect_same_history(more, whole.fit(train, base_options(3)));
  expect_same_states(longer.states, whole.states);
}

TEST(Fit, KeepsARunThatNobodyAskedToResume) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  FitOptions options = base_options(1);
  options.checkpoint_dir = folder.path();
  Trainee first;
  first.fit(train, options);
  Trainee second;
  second.options.seed = 8;
  expect_error(ErrorKind::InvalidInput, {"'" + folder.path() + "' already holds a run"},
               [&] { second.fit(train, options); });
  EXPECT_TRUE(second.states.empty());
  options.resume = true;
  Trainee resumed;
  resumed.fit(train, options);
  expect_same_states(resumed.states, first.states);
}

TEST(Fit, StopsWithoutAFolder) {
  Trainee run;
  FitOptions options = base_options();
  options.should_stop = stop_after(3);
  expect_error(ErrorKind::Cancelled, {"epoch 1, step 3 of 7", "nothing is saved"},
               [&] { run.fit(synthetic_images(kSamples), options); });
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

TEST(Fit, RefusesACheckpointOfAnotherRun) {
  const data::Dataset train = synthetic_images(kSamples);
  const TempFolder folder;
  const std::string file = folder.file("run.safetensors");
  FitOptions options = base_options(1);
  options.checkpoint_dir = folder.path();
  Trainee saved;
  saved.fit(train, options);
  options.resume = true;
  options.epochs = 2;

  Trainee network(convnet(8));
  expect_error(ErrorKind::InvalidInput, {file, "another network"},
               [&] { network.fit(train, options); });
  Trainee optimizer;
  optimizer.options.optimizer = adam({.lr = 0.02});
  expect_error(ErrorKind::InvalidInput, {file, "optimiser"},
               [&] { optimizer.fit(train, options); });
  Trainee seed;
  seed.options.seed = 8;
  expect_error(ErrorKind::InvalidInput, {file, "seed 8, found 7"},
               [&] { seed.fit(train, options); });
  FitOptions other_batch = options;
  other_batch.batch = 16;
  Trainee batch;
  expect_error(ErrorKind::InvalidInput, {file, "batch 16, found 32"},
               [&] { batch.fit(train, other_batch); });
  FitOptions other_shards = options;
  other_shards.shards = 4;
  Trainee shards;
  expect_error(ErrorKind::InvalidInput, {file, "shards 4, found 2"},
               [&] { shards.fit(train, other_shards); });
  folder.write("run.safetensors", data::noise(100));
  Trainee damaged;
  expect_error(ErrorKind::InvalidInput, {file}, [&] { damaged.fit(train, options); });
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

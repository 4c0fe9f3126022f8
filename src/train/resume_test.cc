// Runs that are stopped and gone on with: the same bits as without a stop, and no run is lost.
#include <gtest/gtest.h>

#include "data/test_files.h"
#include "train/fit.h"
#include "train/fit_test_support.h"

namespace hone::train {
namespace {

using test::expect_error;
using test::TempFolder;

// Taken up for more epochs, a run follows the longer schedule from there on.
TEST(Resume, GoesOnForMoreEpochsThanItWasBegunFor) {
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

TEST(Resume, RestoresTheBestEpochOfBeforeAResume) {
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
TEST(Resume, DoesNotTakeOlderWeightsForTheBest) {
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
TEST(Resume, HasTheSameBits) {
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

TEST(Resume, BeginsAtTheLastSavedStep) {
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

TEST(Resume, OfAFinishedRunGivesItsHistoryAndGoesOn) {
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

TEST(Resume, KeepsARunThatNobodyAskedToResume) {
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

TEST(Resume, StopsWithoutAFolder) {
  Trainee run;
  FitOptions options = base_options();
  options.should_stop = stop_after(3);
  expect_error(ErrorKind::Cancelled, {"epoch 1, step 3 of 7", "nothing is saved"},
               [&] { run.fit(synthetic_images(kSamples), options); });
}

TEST(Resume, RefusesACheckpointOfAnotherRun) {
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

}  // namespace
}  // namespace hone::train

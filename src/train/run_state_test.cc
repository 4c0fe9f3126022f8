// A run that was saved comes back as it was; one whose numbers make no sense is refused in a line
// that names the file and the number.
#include "train/run_state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/test_support.h"
#include "io/checkpoint.h"

namespace hone::train {
namespace {

using test::expect_error;
using test::TempFolder;

constexpr int64_t kSamples = 100;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

ir::Graph step_graph() {
  ir::Graph g("net.train");
  g.output("loss", g.state("w", {DType::f32, {}}, true));
  return g;
}

/// Two epochs with the better one first, and two of four steps of the third.
RunState some_run() {
  RunState run;
  run.states.emplace("w", Tensor::scalar(2.0f));
  run.best.emplace("w", Tensor::scalar(1.0f));
  run.seed = 3;
  run.batch = 30;
  run.shards = 2;
  run.epoch = 2;
  run.step = 2;
  run.sums = {.loss = 6.5, .hits = 40, .samples = 60, .seconds = 0.25};
  run.history.epochs = {{1.5, kNaN, 1.25, 0.5, 2, 50}, {1, 0.5, 1.75, 0.25, 1, 100}};
  run.history.best_epoch = 0;
  return run;
}

TEST(RunState, ReturnsAsSaved) {
  const TempFolder folder;
  EXPECT_FALSE(has_run(folder.path()));
  const RunState saved = some_run();
  save_run(folder.path(), saved, step_graph());
  EXPECT_TRUE(has_run(folder.path()));
  const RunState found = load_run(folder.path(), saved, step_graph(), kSamples);
  EXPECT_EQ(found.states.at("w").data<float>()[0], 2);
  EXPECT_EQ(found.best.at("w").data<float>()[0], 1);
  EXPECT_EQ(found.epoch, 2);
  EXPECT_EQ(found.step, 2);
  EXPECT_EQ(found.sums.loss, 6.5);
  EXPECT_EQ(found.sums.hits, 40);
  EXPECT_EQ(found.sums.samples, 60);
  EXPECT_EQ(found.sums.seconds, 0.25);
  ASSERT_EQ(found.history.epochs.size(), 2u);
  EXPECT_TRUE(std::isnan(found.history.epochs[0].accuracy));
  EXPECT_EQ(found.history.epochs[1].validation_loss, 1.75);
  EXPECT_EQ(found.history.best_epoch, 0);
  EXPECT_FALSE(found.history.stopped_early);
}

TEST(RunState, RefusesNumbersThatMakeNoSense) {
  const TempFolder folder;
  const std::string file = folder.file("run.safetensors");
  const RunState run = some_run();
  save_run(folder.path(), run, step_graph());
  const io::Checkpoint good = io::load_checkpoint(file);
  struct Damage {
    std::string key, from, to, expected;
  };
  const std::string progress = "progress";
  for (const Damage& d : std::vector<Damage>{
           {"epoch", "2", "-1", "epoch: expected 0 to 2147483647, found -1"},
           {"epoch", "2", "9999999999", "found 9999999999"},
           {"epoch", "2", "3", "epoch: expected 2 to 2, found 3"},
           {"step", "2", "-2", "step: expected 0 to 4, found -2"},
           {"step", "2", "5", "step: expected 0 to 4, found 5"},
           {"step", "2", "3", "samples of the epoch: expected 90 to 90, found 60"},
           {progress, "\"best_epoch\":0", "\"best_epoch\":2",
            "best_epoch: expected -1 to 1, found 2"},
           {progress, "\"best_epoch\":0", "\"best_epoch\":-2", "found -2"},
           {progress, "\"best_epoch\":0", "\"best_epoch\":1e300", "expected a whole number"},
           {progress, "\"best_epoch\":0", "\"best_epoch\":\"0\"", "expected a whole number"},
           {progress, "\"best_epoch\"", "\"worst_epoch\"", "the record of its epochs is damaged"},
           {progress, "\"sums\":[", "\"sums\":[[],", "the record of its epochs is damaged"},
           {progress, "{", "", "the record of its epochs is damaged"}}) {
    SCOPED_TRACE(d.key + ": " + d.from + " -> " + d.to);
    io::Checkpoint damaged = good;
    std::string& text = damaged.metadata.at(d.key);
    const size_t at = text.find(d.from);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, d.from.size(), d.to);
    io::save_checkpoint(file, damaged);
    expect_error(ErrorKind::InvalidInput, {file, d.expected},
                 [&] { load_run(folder.path(), run, step_graph(), kSamples); });
  }
  io::Checkpoint weights = good;
  weights.metadata.erase(progress);
  io::save_checkpoint(file, weights);
  expect_error(ErrorKind::InvalidInput, {file, "found weights only"},
               [&] { load_run(folder.path(), run, step_graph(), kSamples); });
}

TEST(RunState, RefusesARunOnDataOfAnotherSize) {
  const TempFolder folder;
  const RunState run = some_run();
  save_run(folder.path(), run, step_graph());
  expect_error(ErrorKind::InvalidInput, {"step: expected 0 to 1, found 2"},
               [&] { load_run(folder.path(), run, step_graph(), 30); });
}

}  // namespace
}  // namespace hone::train

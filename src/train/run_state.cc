// A run as checkpoint files: run.safetensors, and best.safetensors where the best weights are kept.
#include "train/run_state.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/checkpoint.h"

namespace hone::train {
namespace {

using nlohmann::json;
namespace key = io::checkpoint_key;

constexpr std::string_view kProgress = "progress";

std::string run_path(const std::string& directory) { return directory + "/run.safetensors"; }
std::string best_path(const std::string& directory) { return directory + "/best.safetensors"; }

// JSON has no NaN: null stands for it.
json number(double x) { return std::isnan(x) ? json() : json(x); }
double number(const json& j) {
  return j.is_null() ? std::numeric_limits<double>::quiet_NaN() : j.get<double>();
}

json progress_of(const RunState& run) {
  json epochs = json::array();
  for (const Epoch& e : run.history.epochs) {
    epochs.push_back({number(e.loss), number(e.accuracy), number(e.validation_loss),
                      number(e.validation_accuracy), e.seconds, e.samples_per_s});
  }
  const EpochSums& s = run.sums;
  return {{"epochs", epochs},
          {"best_epoch", run.history.best_epoch},
          {"stopped_early", run.history.stopped_early},
          {"sums", {s.loss, s.hits, s.samples, s.seconds}}};
}

void require_in(const std::string& path, std::string_view what, int64_t found, int64_t lowest,
                int64_t highest) {
  require(lowest <= found && found <= highest, "{}: damaged: {}: expected {} to {}, found {}", path,
          what, lowest, highest, found);
}

int64_t whole(const json& j, const std::string& path, std::string_view what, int64_t lowest,
              int64_t highest) {
  require(j.is_number_integer(), "{}: damaged: {}: expected a whole number, found {}", path, what,
          j.dump());
  const auto found = j.get<int64_t>();
  require_in(path, what, found, lowest, highest);
  return found;
}

void set_progress(const json& j, const std::string& path, int64_t samples, RunState& run) {
  for (const json& e : j.at("epochs")) {
    run.history.epochs.push_back({number(e.at(0)), number(e.at(1)), number(e.at(2)),
                                  number(e.at(3)), number(e.at(4)), number(e.at(5))});
  }
  const auto epochs = static_cast<int64_t>(run.history.epochs.size());
  require_in(path, key::epoch, run.epoch, epochs, epochs);
  run.history.best_epoch =
      static_cast<int>(whole(j.at("best_epoch"), path, "best_epoch", -1, epochs - 1));
  run.history.stopped_early = j.at("stopped_early");
  require_in(path, key::step, run.step, 0, (samples + run.batch - 1) / run.batch);
  const json& s = j.at("sums");
  const int64_t seen = std::min(run.step * run.batch, samples);
  run.sums = {s.at(0), s.at(1), whole(s.at(2), path, "samples of the epoch", seen, seen), s.at(3)};
}

io::Checkpoint to_checkpoint(const RunState& run, const exec::StateStore& states,
                             const ir::Graph& graph) {
  io::Checkpoint out{states, {}};
  out.metadata.emplace(key::network, io::network_signature(graph));
  out.set(key::seed, static_cast<int64_t>(run.seed));
  out.set(key::batch, run.batch);
  out.set(key::shards, run.shards);
  out.set(key::epoch, run.epoch);
  out.set(key::step, run.step);
  return out;
}

void require_same(const io::Checkpoint& checkpoint, const std::string& path, std::string_view what,
                  int64_t expected) {
  const int64_t found = checkpoint.integer(what);
  require(found == expected, "{}: expected a run with {} {}, found {}", path, what, expected,
          found);
}

}  // namespace

bool has_run(const std::string& directory) { return std::filesystem::exists(run_path(directory)); }

void save_run(const std::string& directory, const RunState& run, const ir::Graph& graph) {
  // The best weights first: a run that names them must find them.
  std::error_code ignored;
  if (!run.best.empty())
    io::save_checkpoint(best_path(directory), to_checkpoint(run, run.best, graph));
  else std::filesystem::remove(best_path(directory), ignored);  // of a run that was here before
  io::Checkpoint checkpoint = to_checkpoint(run, run.states, graph);
  checkpoint.metadata.emplace(kProgress, progress_of(run).dump());
  io::save_checkpoint(run_path(directory), std::move(checkpoint));
}

RunState load_run(const std::string& directory, const RunState& expected, const ir::Graph& graph,
                  int64_t samples) {
  const std::string path = run_path(directory);
  io::Checkpoint checkpoint = io::load_checkpoint(path);
  require_same(checkpoint, path, key::seed, static_cast<int64_t>(expected.seed));
  require_same(checkpoint, path, key::batch, expected.batch);
  require_same(checkpoint, path, key::shards, expected.shards);
  io::require_matches(checkpoint, path, graph, io::network_signature(graph));
  RunState run;
  run.seed = expected.seed;
  run.batch = expected.batch;
  run.shards = expected.shards;
  const int64_t epoch = checkpoint.integer(key::epoch);
  require_in(path, key::epoch, epoch, 0, std::numeric_limits<int>::max());
  run.epoch = static_cast<int>(epoch);
  run.step = checkpoint.integer(key::step);
  const auto progress = checkpoint.metadata.find(std::string(kProgress));
  require(progress != checkpoint.metadata.end(), "{}: expected a training run, found weights only",
          path);
  try {
    set_progress(json::parse(progress->second), path, samples, run);
  } catch (const json::exception&) {
    fail(ErrorKind::InvalidInput, "{}: the record of its epochs is damaged", path);
  }
  run.states = std::move(checkpoint.states);
  if (std::filesystem::exists(best_path(directory))) {
    io::Checkpoint best = io::load_checkpoint(best_path(directory));
    io::require_matches(best, best_path(directory), graph, io::network_signature(graph));
    run.best = std::move(best.states);
  }
  return run;
}

}  // namespace hone::train

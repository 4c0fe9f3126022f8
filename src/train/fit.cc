// Epochs of steps, validation, early stopping, checkpoints.
#include "train/fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/shards.h"
#include "nn/optimizer.h"
#include "train/diagnose.h"
#include "train/graphs.h"
#include "train/run_state.h"

namespace hone::train {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Fit {
 public:
  Fit(const Session& session, const data::Dataset& train, const FitOptions& options)
      : session_(session), train_(train), options_(options) {
    require_trainable(train, options);
    const std::vector<Metric>& metrics = session.options.metrics;
    accuracy_ = std::find(metrics.begin(), metrics.end(), Metric::accuracy) != metrics.end();
    const int64_t shards =
        options.shards > 0 ? options.shards : Sharding::default_shards(options.batch);
    GraphAndStates step = training_graph(
        *session.network, {batch_type(train.images.type()), batch_type(train.labels.type())},
        {session.options.optimizer, session.options.loss, accuracy_, options.batch, shards,
         session.passes});
    add_missing_states(step, session.options.seed, *session.states);
    // The step's states and no others: a checkpoint holds exactly these. They share the model's
    // memory, which so sees every update.
    for (ir::ValueId v : step.graph.states()) {
      const std::string& name = step.graph.producer(v).name;
      run_.states.emplace(name, session.states->at(name));
    }
    set_schedule();
    graph_ = step.graph;
    executor_.emplace(std::move(step.graph), session.isa, session.pool, session.passes,
                      options.memory_limit);
    program_ =
        executor_->program(exec::at_batch(graph_.name(), exec::input_types(graph_), options.batch));
    run_.seed = session.options.seed;
    run_.batch = options.batch;
    run_.shards = shards;
    loader_.emplace(train,
                    data::LoaderOptions{.batch = options.batch,
                                        .shuffle = options.shuffle,
                                        .seed = session.options.seed,
                                        .augment = options.augment},
                    // Who reads samples copies them.
                    program_->threads > 1 ? session.pool : nullptr);
    steps_ = loader_->batches();
    load();
  }

  History run() {
    if (session_.on_start) session_.on_start();
    if (options_.on_plan) options_.on_plan(step_memory());
    if (saved_) resume();
    NanSearch search(*executor_, run_.states, *loader_);
    while (run_.epoch < options_.epochs && !run_.history.stopped_early) {
      train_epoch(search);
      end_epoch();
      save();
    }
    if (options_.restore_best && !run_.best.empty()) exec::copy_into(run_.states, run_.best);
    return run_.history;
  }

 private:
  StepMemory step_memory() const {
    int64_t flops = 0;
    for (const plan::Step& step : program_->steps) flops += step.flops;
    const auto again = static_cast<double>(program_->recomputed_flops);
    return {program_->arena_bytes, program_->unlimited_bytes,
            again / std::max(1.0, static_cast<double>(flops) - again)};
  }

  /// Makes the checkpoint folder, or reads the run that it holds.
  void load() {
    if (options_.checkpoint_dir.empty()) return;
    std::error_code failed;
    std::filesystem::create_directories(options_.checkpoint_dir, failed);
    if (failed) {
      fail(ErrorKind::Io, "cannot make the checkpoint directory '{}': {}", options_.checkpoint_dir,
           failed.message());
    }
    if (!options_.resume || !has_run(options_.checkpoint_dir)) return;
    saved_ = load_run(options_.checkpoint_dir, run_, graph_, train_.size());
    require(!options_.restore_best || saved_->history.best_epoch < 0 || !saved_->best.empty(),
            "fit: the run in '{}' did not keep the weights of its best epoch: it cannot end with "
            "them",
            options_.checkpoint_dir);
  }

  /// Goes on from the run that was read.
  void resume() {
    exec::copy_into(run_.states, saved_->states);  // the model's own memory
    saved_->states = run_.states;
    run_ = std::move(*saved_);
    set_schedule();
  }

  /// The schedule goes over the length of this run, whatever an earlier one's was.
  void set_schedule() {
    const auto found = run_.states.find(std::string(nn::kScheduleSteps));
    if (found != run_.states.end())
      found->second.data<float>()[0] =
          static_cast<float>(session_.options.optimizer.schedule.steps);
  }

  void save() {
    if (!options_.checkpoint_dir.empty()) save_run(options_.checkpoint_dir, run_, graph_);
  }

  void train_epoch(NanSearch& search) {
    loader_->start(run_.epoch, run_.step);
    const Clock::time_point start = Clock::now();
    const double before = run_.sums.seconds;
    while (run_.step < steps_) {
      const std::optional<data::Batch> batch = loader_->next();
      invariant(batch.has_value(), "the loader ended at batch {} of {}", run_.step, steps_);
      search.before_step(run_.epoch, run_.step);
      const exec::StagedExecutor::Loan done = executor_->run(step_inputs(*batch), run_.states);
      const double loss = done->output("loss").data<float>()[0];
      if (std::isnan(loss)) {
        fail(ErrorKind::InvalidInput, "the loss became NaN at epoch {}, step {} of {}: {}",
             run_.epoch + 1, run_.step + 1, steps_, search.first_nan());
      }
      const int64_t n = batch->labels.shape()[0];
      const double hits = accuracy_ ? done->output("hits").data<float>()[0] : kNaN;
      run_.sums.loss += loss * static_cast<double>(n);
      if (accuracy_) run_.sums.hits += hits;
      run_.sums.samples += n;
      ++run_.step;
      run_.sums.seconds = before + std::chrono::duration<double>(Clock::now() - start).count();
      after_step(loss, hits / static_cast<double>(n));
    }
  }

  void after_step(double loss, double accuracy) {
    const EpochSums& sums = run_.sums;
    const double n = static_cast<double>(sums.samples);
    if (options_.on_progress) {
      const double rate = n / sums.seconds;
      const double all = static_cast<double>(train_.size()) * (options_.epochs - run_.epoch);
      options_.on_progress({run_.epoch, options_.epochs, run_.step, steps_, sums.loss / n,
                            accuracy_ ? sums.hits / n : kNaN, loss, accuracy, rate,
                            (all - n) / rate});
    }
    if (options_.should_stop && options_.should_stop()) {
      save();
      fail(ErrorKind::Cancelled, "stopped at epoch {}, step {} of {}{}", run_.epoch + 1, run_.step,
           steps_,
           options_.checkpoint_dir.empty() ? "; nothing is saved: there is no checkpoint folder"
                                           : "; saved in '" + options_.checkpoint_dir + "'");
    }
    // The epoch's last step is saved by its end, with what validation says.
    if (options_.checkpoint_steps > 0 && run_.step % options_.checkpoint_steps == 0 &&
        run_.step < steps_)
      save();
  }

  void end_epoch() {
    const double n = static_cast<double>(run_.sums.samples);
    Epoch epoch{
        run_.sums.loss / n,   accuracy_ ? run_.sums.hits / n : kNaN, kNaN, kNaN, run_.sums.seconds,
        n / run_.sums.seconds};
    if (options_.validation.size() > 0) {
      const Evaluation e = session_.evaluator->evaluate(options_.validation, *session_.states);
      epoch.validation_loss = e.loss;
      epoch.validation_accuracy = e.accuracy;
    }
    History& history = run_.history;
    history.epochs.push_back(epoch);
    if (!std::isnan(epoch.validation_loss) &&
        (history.best_epoch < 0 ||
         epoch.validation_loss <
             history.epochs[static_cast<size_t>(history.best_epoch)].validation_loss)) {
      history.best_epoch = run_.epoch;
      // Weights of another epoch than the best are worth nothing to a run that goes on later.
      run_.best = options_.restore_best ? exec::clone(run_.states) : exec::StateStore{};
    }
    history.stopped_early = options_.patience > 0 && history.best_epoch >= 0 &&
                            run_.epoch - history.best_epoch >= options_.patience;
    ++run_.epoch;
    run_.step = 0;
    run_.sums = {};
    if (options_.on_epoch) options_.on_epoch(run_.epoch - 1, epoch);
  }

  const Session& session_;
  const data::Dataset& train_;
  const FitOptions& options_;
  ir::Graph graph_;  // of a step
  std::optional<exec::StagedExecutor> executor_;
  std::shared_ptr<const plan::Program> program_;  // of a full batch
  std::optional<data::Loader> loader_;
  RunState run_;
  std::optional<RunState> saved_;  // until it is resumed
  int64_t steps_ = 0;
  bool accuracy_ = false;
};

}  // namespace

void require_trainable(const data::Dataset& train, const FitOptions& options) {
  require(options.epochs > 0, "fit: expected at least 1 epoch, found {}", options.epochs);
  require(options.batch > 0, "fit: expected a batch of at least 1, found {}", options.batch);
  require(options.shards >= 0 && options.shards <= options.batch,
          "fit: expected at most as many shards as the batch's {} samples, found {}", options.batch,
          options.shards);
  require(options.memory_limit >= 0, "fit: expected a memory limit of at least 0, found {}",
          options.memory_limit);
  require(train.size() > 0, "data set '{}' is empty: nothing to train on", train.name);
  train.check();
  if (options.validation.size() > 0) options.validation.check();
  require(options.batch <= train.size(),
          "fit: a batch of {} is larger than data set '{}' of {} samples", options.batch,
          train.name, train.size());
  require(!options.resume || !options.checkpoint_dir.empty(),
          "fit: resume needs the checkpoint directory to resume from");
  require(options.resume || options.checkpoint_dir.empty() || !has_run(options.checkpoint_dir),
          "fit: checkpoint folder '{}' already holds a run: resume it, or choose another folder",
          options.checkpoint_dir);
}

History fit(const Session& session, const data::Dataset& train, const FitOptions& options) {
  return Fit(session, train, options).run();
}

}  // namespace hone::train

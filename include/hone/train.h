// What a training run takes and gives: options, progress, history, evaluation.
#pragma once

#include <hone/data.h>
#include <hone/nn.h>

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace hone {

/// How a model is trained.
struct CompileOptions {
  Optimizer optimizer = adam();         ///< how parameters follow their gradients
  Loss loss = softmax_cross_entropy();  ///< what is minimised
  std::vector<Metric> metrics = {};     ///< what is reported beside it
  uint64_t seed = 0;                    ///< of initialisation, shuffling, dropout and augmentation
  int threads = 0;                      ///< 0: every core that the process may use
  std::string dump_passes = {};  ///< folder where each graph is written after each pass, as text
};

/// What one epoch gave. Losses are means over samples; accuracies are fractions; without the metric
/// `accuracy` or without validation data the fields are NaN.
struct Epoch {
  double loss, accuracy;                        ///< of training, while the weights changed
  double validation_loss, validation_accuracy;  ///< after the epoch
  double seconds;                               ///< of training, validation left out
  double samples_per_s;                         ///< in training
};

/// One line for each epoch that ran, those before a resume included.
struct History {
  std::vector<Epoch> epochs;   ///< the first one first
  int best_epoch = -1;         ///< index of the lowest validation loss, or -1 without validation
  bool stopped_early = false;  ///< by `patience`
};

/// Where training stands, passed to `FitOptions::on_progress` after each step.
struct Progress {
  int epoch, epochs;                ///< the one under way, from 0, of so many
  int64_t step, steps;              ///< within the epoch
  double loss, accuracy;            ///< means over the epoch so far
  double step_loss, step_accuracy;  ///< of this step's batch alone
  double samples_per_s;             ///< over the epoch so far
  double seconds_left;              ///< of the whole fit, estimated
};

/// What a step of training takes beside the model, the optimiser's states and the batch.
struct StepMemory {
  int64_t bytes;            ///< at its peak
  int64_t unlimited_bytes;  ///< what it would be without `FitOptions::memory_limit`
  double recomputed;        ///< arithmetic that keeping within the limit adds, as a fraction
};

/// How long, on what, and with which safeguards.
struct FitOptions {
  int epochs = 1;                 ///< in all, those before a resume included
  int64_t batch = 64;             ///< samples a step
  data::Dataset validation = {};  ///< evaluated after each epoch; may be empty
  int64_t shards = 0;             ///< V of docs/numerics.md; 0: max(1, min(64, batch / 16))
  bool shuffle = true;            ///< another order each epoch
  data::Augment augment = {};     ///< random changes to training images
  /// The most bytes that a step may take beside the model, the optimiser's states and the batch; 0:
  /// no limit. Where it would take more, values are computed again instead of being kept, with the
  /// same bits. A limit that cannot be kept is refused with Exhausted, naming one that can.
  int64_t memory_limit = 0;
  int patience = 0;  ///< stop after so many epochs without a lower validation loss; 0: never
  bool restore_best = false;  ///< end with the weights of the best epoch instead of the last
  /// Folder that the run is saved in, made if need be; empty: no checkpoints. One that holds a run
  /// already is refused with InvalidInput, unless `resume` is set.
  std::string checkpoint_dir = {};
  bool resume = false;           ///< go on from the run in `checkpoint_dir`, if it holds one
  int64_t checkpoint_steps = 0;  ///< besides every epoch's end, save every so many steps; 0: never
  std::function<void(const StepMemory&)> on_plan = {};         ///< called before the first step
  std::function<void(const Progress&)> on_progress = {};       ///< called after each step
  std::function<void(int epoch, const Epoch&)> on_epoch = {};  ///< called after each epoch
  /// Asked after each step: true saves a checkpoint (if there is a directory) and ends fit with an
  /// Error of kind Cancelled.
  std::function<bool()> should_stop = {};
};

/// What a data set says of a model.
struct Evaluation {
  double loss;           ///< the mean over the samples
  double accuracy;       ///< a fraction; NaN where labels are no classes
  int64_t samples;       ///< how many
  double samples_per_s;  ///< of the whole call
};
/// "loss 0.2931, accuracy 89.52% on 10000 samples (9120/s)".
std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation);

}  // namespace hone

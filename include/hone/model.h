// A model: compile, fit, evaluate, predict, save, load.
//
//   Model model = sequential({flatten(), dense(128, relu), dense(10)});
//   model.compile({.optimizer = adam({.lr = 1e-3}), .loss = softmax_cross_entropy(), .metrics =
//   {accuracy()}}); auto history = model.fit(data.train, {.epochs = 5, .batch = 64, .validation =
//   data.validation});
//
// The same run gives the same bits on any number of threads and any instruction set
// (docs/numerics.md). A Model is used by one thread at a time.
#pragma once

#include <hone/data.h>
#include <hone/nn.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hone {

/// How a model is trained.
struct CompileOptions {
  Optimizer optimizer = adam();
  Loss loss = softmax_cross_entropy();
  std::vector<Metric> metrics = {};
  uint64_t seed = 0;             ///< of initialisation, shuffling, dropout and augmentation
  int threads = 0;               ///< 0: every core that the process may use
  std::string dump_passes = {};  ///< folder where each graph is written after each pass, as text
};

/// What one epoch gave. Losses are means over samples; accuracies are fractions; without the metric
/// `accuracy` or without validation data the fields are NaN.
struct Epoch {
  double loss, accuracy;
  double validation_loss, validation_accuracy;
  double seconds;        ///< of training, validation left out
  double samples_per_s;  ///< in training
};

/// One line for each epoch that ran, those before a resume included.
struct History {
  std::vector<Epoch> epochs;
  int best_epoch = -1;         ///< index of the lowest validation loss, or -1 without validation
  bool stopped_early = false;  ///< by `patience`
};

/// Where training stands, passed to `FitOptions::on_progress` after each step.
struct Progress {
  int epoch, epochs;
  int64_t step, steps;    ///< within the epoch
  double loss, accuracy;  ///< means over the epoch so far
  double samples_per_s;
  double seconds_left;  ///< of the whole fit, estimated
};

/// How long, on what, and with which safeguards.
struct FitOptions {
  int epochs = 1;
  int64_t batch = 64;
  data::Dataset validation = {};  ///< evaluated after each epoch; may be empty
  int64_t shards = 0;             ///< V of docs/numerics.md; 0: max(1, min(64, batch / 16))
  bool shuffle = true;
  data::Augment augment = {};
  int patience = 0;  ///< stop after so many epochs without a lower validation loss; 0: never
  bool restore_best = false;        ///< end with the weights of the best epoch instead of the last
  std::string checkpoint_dir = {};  ///< empty: no checkpoints
  bool resume = false;              ///< go on from `checkpoint_dir` if it holds a checkpoint
  int64_t checkpoint_steps = 0;  ///< besides every epoch's end, save every so many steps; 0: never
  std::function<void(const Progress&)> on_progress = {};
  std::function<void(int epoch, const Epoch&)> on_epoch = {};
  /// Asked after each step: true saves a checkpoint (if there is a directory) and ends fit with an
  /// Error of kind Cancelled.
  std::function<bool()> should_stop = {};
};

/// What a data set says of a model.
struct Evaluation {
  double loss;
  double accuracy;  ///< a fraction; NaN where labels are no classes
  int64_t samples;
  double samples_per_s;
};
std::ostream& operator<<(std::ostream& out, const Evaluation& evaluation);

/// One line of `Model::summary`.
struct LayerSummary {
  std::string name;
  std::string op;
  Shape output;  ///< with the batch as kBatch
  int64_t parameters;
};

class Model {
 public:
  /// A model of the functional API: from its one `input()` to `output`.
  explicit Model(Var output, std::string name = "model");
  /// Loads an ONNX file. Throws Io or InvalidInput, naming the file and what is wrong in it.
  static Model load(const std::string& path);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Sets how to train. Called again, it keeps the weights and starts the optimiser anew.
  void compile(CompileOptions options);
  /// Trains. Images of dtype u8 are normalised by the training data's mean and deviation per
  /// channel, as part of the graph. Throws InvalidInput for data that does not fit the model, a
  /// batch larger than the data, or a checkpoint of another network or numerics version; Cancelled
  /// when asked to stop; and InvalidInput, naming the step and the first op, when the loss becomes
  /// NaN.
  History fit(const data::Dataset& train, FitOptions options = {});
  /// Loss and accuracy by the same pipeline that serves and saves.
  Evaluation evaluate(const data::Dataset& data);
  /// Outputs for a batch of samples (u8 or f32 pixels, [n, sample...]): logits [n, ...].
  Tensor predict(const Tensor& samples);
  /// Writes an ONNX file (opset 17), atomically: raw pixels in ("input"), "logits" out.
  void save(const std::string& path) const;

  /// Creates the states without training. Otherwise fit does it, for its data's shape.
  void build(const Shape& sample_shape);
  /// Parameters and statistics by name (shared memory: writing to them changes the model).
  const std::map<std::string, Tensor>& states() const;
  /// Trained numbers.
  int64_t parameters() const;
  /// The layers in order, for a model that is built.
  std::vector<LayerSummary> summary() const;
  const std::string& name() const;
  /// Labels' names, saved with the model; set by fit from the data.
  const std::vector<std::string>& class_names() const;
  /// The shape of one sample, if the model is built.
  Shape sample_shape() const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Layers one after another.
Model sequential(std::initializer_list<Layer> layers);
Model sequential(const std::vector<Layer>& layers, std::string name = "model");

/// exp(x) / sum(exp(x)) over the last axis of an f32 tensor: class probabilities from logits.
Tensor softmax_of(const Tensor& logits);

}  // namespace hone

// A model: compile, fit, evaluate, predict, save, load.
//
//   Model model = sequential({flatten(), dense(128, relu), dense(10)});
//   model.compile({.optimizer = adam({.lr = 1e-3}), .metrics = {accuracy()}});
//   auto history = model.fit(data.train, {.epochs = 5, .validation = data.validation});
//   model.save("m.onnx");
//
// The same run gives the same bits on any number of threads and any instruction set
// (docs/numerics.md). A Model is used by one thread at a time.
#pragma once

#include <hone/data.h>
#include <hone/nn.h>
#include <hone/train.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hone {

/// One line of `Model::summary`.
struct LayerSummary {
  std::string name;    ///< of the layer, "conv1"
  std::string op;      ///< what it computes, "conv2d"
  Shape output;        ///< with the batch as kBatch
  int64_t parameters;  ///< trained numbers
};

/// A network with its weights, and all that is needed to train it and to use it.
class Model {
 public:
  /// A model of the functional API: from its one `input()` to `output`.
  explicit Model(Var output, std::string name = "model");
  /// Loads an ONNX file: one of hone's own, or a classifier of any maker, whose final softmax is
  /// left out. Throws Io, InvalidInput or Unsupported, naming the file and what is wrong in it.
  /// Weights in a file beside it are mapped: see hone/session.h for what must not become of it.
  static Model load(const std::string& path, const ForeignOptions& options = {});
  ~Model();
  /// A model is moved, not copied. One that was moved from can only be assigned to or destroyed.
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  /// Sets how to train. Called again, it keeps the weights and starts the optimiser anew.
  void compile(CompileOptions options);
  /// Trains. Images of dtype u8 are normalised by the training data's mean and deviation per
  /// channel, as part of the graph. Throws InvalidInput for data that does not fit the model, a
  /// batch larger than the data, or a checkpoint of another network or numerics version; Cancelled
  /// when asked to stop; and InvalidInput, naming the step and the first op, when the loss becomes
  /// NaN. A fit that is refused before its first step leaves the model as it was.
  History fit(const data::Dataset& train, FitOptions options = {});
  /// Loss and accuracy by the same pipeline that serves and saves.
  Evaluation evaluate(const data::Dataset& data);
  /// Outputs for a batch of samples (u8 or f32 pixels, [n, sample...]): logits [n, ...].
  Tensor predict(const Tensor& samples);
  /// True if the last layer is a softmax: what `predict` gives are probabilities already.
  bool ends_in_softmax() const;
  /// Writes an ONNX file of an opset from 15 to 23, atomically: raw pixels in ("input"), "logits"
  /// out. Where it would have more than 2 GiB, which no ONNX file may, the large weights go to a
  /// second file, the path with ".data" behind it, which must stay beside the first; the two are
  /// replaced together. A file that is replaced keeps its mode. Throws Io, and then leaves what was
  /// there.
  void save(const std::string& path, int64_t opset = 17) const;
  /// Writes parameters and statistics by name to a .safetensors or .npz file, atomically. Throws
  /// Unsupported for any other name, and Io.
  void save_weights(const std::string& path) const;
  /// Copies parameters and statistics from a .safetensors or .npz file into the model's own memory,
  /// so that whoever has taken a tensor of `states` sees the new numbers. What the optimiser
  /// remembers (its moments, its step) stays as it is: `compile` starts it anew. Throws Io, and
  /// InvalidInput, naming the first that does not fit and how many more there are, unless names,
  /// dtypes and shapes are exactly the model's, which is then as it was.
  void load_weights(const std::string& path);

  /// Creates the states without training. Otherwise fit does it, for its data's shape.
  void build(const Shape& sample_shape);
  /// Parameters and statistics by name (shared memory: writing to them changes the model).
  const std::map<std::string, Tensor>& states() const;
  /// Trained numbers.
  int64_t parameters() const;
  /// The layers in order, for a model that is built.
  std::vector<LayerSummary> summary() const;
  /// The network's name, which a saved file has, too.
  const std::string& name() const;
  /// Labels' names, saved with the model; set by fit from the data.
  const std::vector<std::string>& class_names() const;
  /// The shape of one sample, if the model is built.
  Shape sample_shape() const;
  /// The shape of what `predict` gives, with the batch as kBatch, for a model that is built.
  Shape output_shape() const;

 private:
  struct Impl;
  explicit Model(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Layers one after another. Throws InvalidInput where two do not fit.
Model sequential(std::initializer_list<Layer> layers);
/// The same under a name.
Model sequential(const std::vector<Layer>& layers, std::string name = "model");

/// exp(x) / sum(exp(x)) over the last axis of an f32 tensor: class probabilities from logits.
Tensor softmax_of(const Tensor& logits);

}  // namespace hone

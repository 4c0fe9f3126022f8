// Inference: a model from a file, run on tensors by name.
//
//   auto model = hone::load("m.onnx");
//   auto out = model.run({{"input", x}});
//
// Any number of threads may call one Session at once; each call gives the bits that it would give
// alone (docs/numerics.md).
#pragma once

#include <hone/tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hone {

/// Inputs or outputs by name.
using Tensors = std::map<std::string, Tensor>;

struct SessionOptions {
  int threads = 0;               ///< of one call at a time; 0: every core that the process may use
  std::string dump_passes = {};  ///< folder where each graph is written after each pass, as text
  /// Extents of dimensions that the file names and leaves open, fixed for all calls.
  std::map<std::string, int64_t> dims = {};
};

/// An input or an output.
struct Port {
  std::string name;
  TensorType type;  ///< kBatch stands for an extent that each call chooses
};

class Session {
 public:
  /// Throws Io, InvalidInput or Unsupported, naming the file and what is wrong in it. A model that
  /// computes with open extents (but for the batch) is imported anew for each shape that comes.
  static Session load(const std::string& path, const SessionOptions& options = {});
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  const std::string& name() const;
  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  /// A classifier's class names, where the file has them.
  const std::vector<std::string>& class_names() const;

  /// The outputs for these inputs, which are read where they lie. Pixels may be u8 where f32 is
  /// declared. The first call with inputs of a new shape plans for it. Throws InvalidInput for a
  /// name, shape or dtype that does not fit, and Unsupported for a shape that the model cannot
  /// take.
  Tensors run(const Tensors& inputs) const;
  /// The same into `outputs`: tensors that are there with the right type are written where they
  /// lie, so that a call repeated on them allocates nothing. No output may share memory with an
  /// input or another output.
  void run(const Tensors& inputs, Tensors& outputs) const;

  struct Impl;
  /// What the tool measures and shows; not part of the interface.
  Impl& impl() const { return *impl_; }

 private:
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// `Session::load`.
inline Session load(const std::string& path, const SessionOptions& options = {}) {
  return Session::load(path, options);
}

}  // namespace hone

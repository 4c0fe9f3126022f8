// Inference: a model from a file, run on tensors by name.
//
//   auto model = hone::load("m.onnx");
//   auto out = model.run({{"input", x}});
//
// Any number of threads may call one Session at once; each call gives the bits that it would give
// alone (docs/numerics.md).
//
// Weights that a model keeps in a file beside it, as models of more than 2 GiB must, are mapped
// into memory and not copied. As long as a model made of it is alive, the file may be replaced or
// removed, but not shortened: the operating system ends a process that reads what is no longer
// there (SIGBUS).
#pragma once

#include <hone/tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hone {

/// Inputs or outputs by name.
using Tensors = std::map<std::string, Tensor>;

/// How a model is run.
struct SessionOptions {
  int threads = 0;               ///< of one call at a time; 0: every core that the process may use
  std::string dump_passes = {};  ///< folder where each graph is written after each pass, as text
  /// Extents of dimensions that the file names and leaves open, by their names, fixed for all
  /// calls.
  std::map<std::string, int64_t> dims = {};
};

/// An input or an output.
struct Port {
  std::string name;  ///< as the file has it
  TensorType type;   ///< kBatch stands for an extent that each call chooses
};

struct SessionImpl;

/// A model that is ready to run.
class Session {
 public:
  /// Reads an ONNX file, and the files beside it that it names. Throws Io, InvalidInput or
  /// Unsupported, naming the file and what is wrong in it, or in the options. A model that
  /// computes with open extents (but for the batch) is imported anew for each shape that comes.
  static Session load(const std::string& path, const SessionOptions& options = {});
  ~Session();
  /// A session is moved, not copied. One that was moved from can only be assigned to or destroyed.
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  /// The graph's name, or the file's where it has none.
  const std::string& name() const;
  /// What `run` takes: all of it, in the file's order.
  const std::vector<Port>& inputs() const;
  /// What `run` gives, in the file's order.
  const std::vector<Port>& outputs() const;
  /// A classifier's class names, where the file has them.
  const std::vector<std::string>& class_names() const;

  /// The outputs for these inputs, which are read where they lie. Pixels may be u8 where f32 is
  /// declared. The first call with inputs of a new shape plans for it; others meanwhile run. Plans
  /// of the 8 latest shapes are kept, each with the memory that at most 8 calls at once worked in.
  /// Throws InvalidInput for a name, shape or dtype that does not fit, and Unsupported for a shape
  /// that the model cannot take.
  Tensors run(const Tensors& inputs) const;
  /// The same into `outputs`: tensors that are there with the right type are written where they
  /// lie, so that a call repeated on them allocates nothing. No output may share memory with an
  /// input or another output.
  void run(const Tensors& inputs, Tensors& outputs) const;

 private:
  friend struct SessionImpl;
  explicit Session(std::unique_ptr<SessionImpl> impl);
  std::unique_ptr<SessionImpl> impl_;
};

/// `Session::load`.
inline Session load(const std::string& path, const SessionOptions& options = {}) {
  return Session::load(path, options);
}

}  // namespace hone

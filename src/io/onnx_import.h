// From an ONNX file to a graph. What hone exports comes back as the graph that it was; files of
// other producers are read where their ops have a meaning in hone's.
//
// What initializers become: one of f32 and rank 1 or more is a state with that value, trainable
// unless it is a batch norm's running statistic; scalars and other dtypes are constants. It is a
// constant too where the graph's structure depends on its numbers (the scales of a Resize), and is
// dropped where nothing reads it. hone's own files say what is a state.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_model.h"

namespace hone::io {

/// What is known of a model's inputs beyond what its file says. With static shapes, whatever the
/// model computes from its shapes is known at import; without any, the batch stays symbolic: axis 0
/// of the inputs that leave it open, and no other axis may be open.
struct ImportOptions {
  std::map<std::string, Shape> inputs = {};   ///< shapes of inputs, by the input's name
  std::map<std::string, int64_t> dims = {};   ///< extents of inputs' open dimensions, by the names
                                              ///< that these have in the file
  std::map<std::string, Tensor> values = {};  ///< inputs' contents, by the input's name: an input
                                              ///< that a shape depends on becomes a constant
};

/// Throws InvalidInput for a file that is broken or that does not fit the options, and Unsupported,
/// with every node that hone has no meaning for, for one that hone cannot run; the line names the
/// file.
OnnxModel load_onnx(const std::string& path, const ImportOptions& options = {});

/// The same of a file's bytes; `name` stands in the errors.
OnnxModel import_onnx(std::string_view bytes, std::string_view name,
                      const ImportOptions& options = {});

class OnnxFile;

/// A file that is imported again for each set of shapes that comes. Its weights are read once and
/// shared. Used by one thread at a time.
class OnnxSource {
 public:
  /// Throws Io, or InvalidInput, naming the file, for what is no ONNX model.
  static OnnxSource open(const std::string& path);
  ~OnnxSource();
  OnnxSource(OnnxSource&&) noexcept;
  OnnxSource& operator=(OnnxSource&&) noexcept;

  /// As `load_onnx`.
  OnnxModel import(const ImportOptions& options = {}) const;
  /// The graph's name, or the file's.
  std::string name() const;
  /// What the file declares of its inputs that are no initializers, and of its outputs, with the
  /// extents that `dims` gives by name; kBatch stands for those that stay open.
  using Ports = std::vector<std::pair<std::string, TensorType>>;
  Ports inputs(const std::map<std::string, int64_t>& dims = {}) const;
  Ports outputs(const std::map<std::string, int64_t>& dims = {}) const;

 private:
  OnnxSource(std::string path, std::unique_ptr<OnnxFile> file);
  std::string path_;
  std::unique_ptr<OnnxFile> file_;
};

/// The same of a file that is open.
OnnxModel import_onnx(const OnnxFile& file, std::string_view name,
                      const ImportOptions& options = {});

/// A node (or an input or initializer) that hone has no meaning for, and why.
struct OnnxUnsupported {
  std::string name;
  std::string op;  ///< "LSTM", with its domain where that is not ONNX's own; "input"; "initializer"
  int64_t opset = 0;
  std::string why;
};

/// What can be said of a file that hone may not be able to run.
struct OnnxOutline {
  int64_t operators = 0;   ///< nodes of its graph that are no constants
  int64_t parameters = 0;  ///< elements of its floating-point initializers
  std::vector<OnnxUnsupported> unsupported = {};
};

/// Throws as `load_onnx` does for a file that cannot be read or is broken.
OnnxOutline outline_onnx(const std::string& path, const ImportOptions& options = {});

/// "node 'a' (LSTM, opset 17): hone has no such op; ...": one line, bounded, with how many more.
std::string to_string(const std::vector<OnnxUnsupported>& unsupported);

}  // namespace hone::io

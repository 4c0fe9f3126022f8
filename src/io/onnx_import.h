// From an ONNX file to a graph. What hone exports comes back as the graph that it was; files of
// other producers are read where their ops have a meaning in hone's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_model.h"

namespace hone::io {

/// Floating-point initializers become trainable states, scalars and integers constants, unless the
/// file is hone's own and says otherwise. Throws InvalidInput for a file that is broken and
/// Unsupported, with the list of ops, for one that hone cannot run; the line names the file.
OnnxModel load_onnx(const std::string& path);

/// The same of a file's bytes; `name` stands in the errors.
OnnxModel import_onnx(std::string_view bytes, std::string_view name);

/// What can be said of a file that hone may not be able to run.
struct OnnxOutline {
  int64_t nodes = 0;
  int64_t parameters = 0;                ///< elements of its floating-point initializers
  std::vector<std::string> unsupported;  ///< ops that hone has no meaning for, by name
};

/// Throws as `load_onnx` does for a file that cannot be read or is broken.
OnnxOutline outline_onnx(const std::string& path);

}  // namespace hone::io

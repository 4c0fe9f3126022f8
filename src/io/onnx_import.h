// From an ONNX file to a graph. What hone exports comes back as the graph that it was; files of
// other producers are read where their ops have a meaning in hone's.
#pragma once

#include <string>
#include <string_view>

#include "io/onnx_model.h"

namespace hone::io {

/// Floating-point initializers become trainable states, scalars and integers constants, unless the
/// file is hone's own and says otherwise. Throws InvalidInput for a file that is broken and
/// Unsupported, with the list of ops, for one that hone cannot run; the line names the file.
OnnxModel load_onnx(const std::string& path);

/// The same of a file's bytes; `name` stands in the errors.
OnnxModel import_onnx(std::string_view bytes, std::string_view name);

}  // namespace hone::io

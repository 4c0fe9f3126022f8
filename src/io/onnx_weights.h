// The weights of an ONNX file, out of it or into it, while its graph stays as it is: what hone
// cannot run has weights, too.
#pragma once

#include <string>

#include "io/weights.h"

namespace hone::io {

/// Every initializer of a file, of bodies and functions too, whatever its dtype, by its name.
/// Throws Io, InvalidInput or Unsupported, naming the file and the initializer, where one cannot be
/// read, has no name or shares it.
Weights load_onnx_weights(const std::string& path);

/// Writes the model of the file `model`, with `weights` in place of its own, to `path`. Their names
/// and types must be those of `load_onnx_weights` (`require_same_weights`).
void save_onnx_with_weights(const std::string& path, const std::string& model,
                            const Weights& weights);

}  // namespace hone::io

// Named tensors in the formats that other frameworks exchange: which one, the file's name says.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>

namespace hone::io {

using Weights = std::map<std::string, Tensor>;

/// Reads a .safetensors or .npz file. Throws Unsupported, naming the two, for any other name, Io
/// for a file that cannot be read, and InvalidInput or Unsupported for one that is broken.
Weights load_weights(const std::string& path);
/// Writes one, atomically.
void save_weights(const std::string& path, const Weights& weights);

/// Throws InvalidInput, naming the first tensor by name that is missing, too many or of another
/// type than `model` has it, and how many more there are.
void require_same_weights(const Weights& weights, const std::string& path, const Weights& model,
                          const std::string& model_name);

}  // namespace hone::io

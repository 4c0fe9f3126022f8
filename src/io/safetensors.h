// Safetensors: named tensors and string metadata in one file, with nothing in it that runs.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>
#include <string_view>

namespace hone::io {

struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Throws Io, or InvalidInput or Unsupported, naming the file, for anything but a whole, valid one.
Safetensors load_safetensors(const std::string& path);
/// The same of a file's bytes; `name` stands in the errors.
Safetensors parse_safetensors(std::string_view bytes, std::string_view name);

/// Written atomically; equal contents give equal bytes.
void save_safetensors(const std::string& path, const Safetensors& contents);

}  // namespace hone::io

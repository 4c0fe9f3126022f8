// NumPy's .npz: named arrays in one zip archive, as written by numpy.savez or savez_compressed.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>
#include <string_view>

namespace hone::io {

/// Throws Io, or InvalidInput or Unsupported, naming the file and the array, for anything but whole
/// arrays that hone can hold.
std::map<std::string, Tensor> load_npz(const std::string& path);
/// The same of a file's bytes; `name` stands in the errors.
std::map<std::string, Tensor> parse_npz(std::string_view bytes, std::string_view name);

/// Written atomically, not compressed; equal contents give equal bytes.
void save_npz(const std::string& path, const std::map<std::string, Tensor>& tensors);

}  // namespace hone::io

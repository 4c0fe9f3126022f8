// NumPy's .npy: one array a file, as written by numpy.save.
#pragma once

#include <hone/tensor.h>

#include <string>
#include <string_view>

#include "io/tensor_bytes.h"

namespace hone::io {

/// Throws Io, or InvalidInput or Unsupported where the bytes are no array that hone can hold.
Tensor load_npy(const std::string& path);
/// The array of a file's bytes; `name` stands in the errors.
Tensor parse_npy(std::string_view bytes, std::string_view name);

/// The array that `next` gives the `size` bytes of, for files that hold other files. Errors do not
/// name the file.
Tensor read_npy(int64_t size, const ReadNext& next);

void save_npy(const std::string& path, const Tensor& tensor);
/// What numpy.save writes before the elements (format version 1.0).
std::string npy_header(const TensorType& type);

}  // namespace hone::io

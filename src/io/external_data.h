// Tensors whose elements lie in files beside a model, as ONNX keeps weights of more than 2 GiB.
#pragma once

#include <hone/tensor.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "io/mapped_file.h"

namespace hone::io {

class ExternalData {
 public:
  /// The files of `folder` ("": where the process works) and of folders in it, and of no other.
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}

  /// The tensor of `length` bytes from `offset` on in the file at `location`. It shares the file's
  /// memory where it is aligned and no other tensor has some of it, else it is a copy; a bool
  /// always is. Throws Io, naming the file, or InvalidInput for a location outside the folder or a
  /// length that does not fit.
  Tensor tensor(const TensorType& type, const std::string& location, int64_t offset,
                int64_t length);

 private:
  std::filesystem::path resolve(const std::string& location) const;

  std::string folder_;
  std::map<std::string, std::shared_ptr<MappedFile>> files_;
};

}  // namespace hone::io

// Locations are resolved, links and all, before a file is opened.
#include "io/external_data.h"

#include <algorithm>

#include "base/error.h"
#include "io/descriptor.h"
#include "io/tensor_bytes.h"

namespace hone::io {

std::filesystem::path ExternalData::resolve(const std::string& location) const {
  namespace fs = std::filesystem;
  const fs::path relative(location);
  const bool plain = location.find('\0') == location.npos && relative.is_relative() &&
                     std::find(relative.begin(), relative.end(), "..") == relative.end();
  require(plain, "external data: expected a file in the model's folder, found '{}'", location);
  const fs::path base = folder_.empty() ? fs::path(".") : fs::path(folder_);
  std::error_code error;
  const fs::path folder = fs::canonical(base, error);
  const fs::path file = error ? fs::path() : fs::canonical(base / relative, error);
  if (error) fail_errno("read", (base / relative).string(), error.value());
  const auto [rest, ignored] =
      std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  require(rest == folder.end(), "external data: '{}' is a link that leaves the model's folder",
          location);
  require(fs::is_regular_file(file), "external data: '{}' is no file", location);
  return file;
}

Tensor ExternalData::tensor(const TensorType& type, const std::string& location, int64_t offset,
                            int64_t length) {
  std::shared_ptr<MappedFile>& file = files_[location];
  if (file == nullptr) file = std::make_shared<MappedFile>(resolve(location).string());
  try {
    if (type.dtype != DType::boolean && length == type.bytes())
      if (std::shared_ptr<std::byte> memory = MappedFile::share(file, offset, length))
        return {type.dtype, type.shape, std::move(memory)};
    return tensor_from_source(type.dtype, type.shape.dims(), *file, offset, length);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", location, e.what());
  }
}

}  // namespace hone::io

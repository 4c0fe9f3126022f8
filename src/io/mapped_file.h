// A file as memory that the operating system fills when it is first read.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "io/byte_source.h"

namespace hone::io {

/// What is written to the memory stays in this process. The file must not be cut while it is
/// mapped.
class MappedFile final : public FileSource {
 public:
  using FileSource::FileSource;
  ~MappedFile() override;

  /// The memory of a range that can be a tensor's (aligned, inside, readable a little beyond), or
  /// null. It keeps the file mapped; the last who lets go of it gives its pages back.
  static std::shared_ptr<std::byte> share(const std::shared_ptr<MappedFile>& file, int64_t offset,
                                          int64_t length);

 private:
  std::byte* memory();

  std::byte* memory_ = nullptr;
};

}  // namespace hone::io

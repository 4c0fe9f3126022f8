// A file as memory that the operating system fills when it is first read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
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

  /// The memory of a range that can be a tensor's (aligned, inside, readable a little beyond) and
  /// has no byte of one that was shared before, or null. It keeps the file mapped; the last who
  /// lets go of it gives its pages back.
  static std::shared_ptr<std::byte> share(const std::shared_ptr<MappedFile>& file, int64_t offset,
                                          int64_t length);

 private:
  std::byte* memory();
  /// Claims a range, unless some of it is taken.
  bool take(int64_t begin, int64_t end);

  std::byte* memory_ = nullptr;
  std::map<int64_t, int64_t> taken_;  // begin: end
};

}  // namespace hone::io

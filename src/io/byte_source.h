// Bytes that are read from any place in them, a file's or memory's. Readers of large formats look
// at the headers and take the elements of each tensor straight into its memory, so that a file
// never lies in memory beside what was made of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/descriptor.h"

namespace hone::io {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual int64_t size() const = 0;
  /// Copies the `n` bytes from `offset` on. Throws InvalidInput unless they lie inside, Io where
  /// the file cannot be read.
  void read(int64_t offset, int64_t n, void* to) const;
  /// The same as a string of its own.
  std::string text(int64_t offset, int64_t n) const;

 private:
  virtual void read_inside(int64_t offset, int64_t n, char* to) const = 0;
};

/// Bytes in memory, which must stay there.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  int64_t size() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  void read_inside(int64_t offset, int64_t n, char* to) const override;
  std::string_view bytes_;
};

/// A regular file's bytes, as many as it has when it is opened.
class FileSource : public ByteSource {
 public:
  /// Throws Io, naming the file.
  explicit FileSource(const std::string& path);
  int64_t size() const override { return size_; }

 protected:
  const std::string path_;
  const Descriptor file_;

 private:
  void read_inside(int64_t offset, int64_t n, char* to) const override;
  int64_t size_ = 0;
};

/// A file's bytes. What is no regular file (a pipe) is read at once. Throws Io, naming the file.
std::unique_ptr<ByteSource> open_source(const std::string& path);

}  // namespace hone::io

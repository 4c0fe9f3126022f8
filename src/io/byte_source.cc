// Reading from memory and, with pread, from files.
#include "io/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "io/file.h"

namespace hone::io {
namespace {

struct Owner {
  std::string bytes;
};
class StringSource final : private Owner, public MemorySource {
 public:
  explicit StringSource(std::string bytes) : Owner{std::move(bytes)}, MemorySource(Owner::bytes) {}
};

}  // namespace

void ByteSource::read(int64_t offset, int64_t n, void* to) const {
  require(0 <= offset && 0 <= n && offset <= size() && n <= size() - offset,
          "expected {} bytes at byte {}, the file has {}", n, offset, size());
  if (n > 0) read_inside(offset, n, static_cast<char*>(to));
}

std::string ByteSource::text(int64_t offset, int64_t n) const {
  require(n <= size(), "expected {} bytes, the file has {}", n, size());
  std::string out(static_cast<size_t>(n), '\0');
  read(offset, n, out.data());
  return out;
}

void MemorySource::read_inside(int64_t offset, int64_t n, char* to) const {
  bytes_.copy(to, static_cast<size_t>(n), static_cast<size_t>(offset));
}

FileSource::FileSource(const std::string& path)
    : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0) fail_errno("read", path, errno);
  size_ = status.st_size;
}

void FileSource::read_inside(int64_t offset, int64_t n, char* to) const {
  while (n > 0) {
    const size_t most = std::min(static_cast<size_t>(n), kLargestTransfer);
    const ssize_t got = ::pread(file_.get(), to, most, offset);
    if (got < 0 && errno != EINTR) fail_errno("read", path_, errno);
    if (got == 0) fail(ErrorKind::Io, "cannot read '{}': it was cut while it was read", path_);
    if (got < 0) continue;
    offset += got;
    to += got;
    n -= got;
  }
}

std::unique_ptr<ByteSource> open_source(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) return std::make_unique<FileSource>(path);
  return std::make_unique<StringSource>(read_file(path));
}

}  // namespace hone::io

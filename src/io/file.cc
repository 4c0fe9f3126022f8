// Reading and atomically writing files with the operating system's own calls, whose errno is the
// reason that the user gets to see.
#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "io/descriptor.h"

namespace hone::io {
namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kLargestTransfer));
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// Opens with `flags` more than for writing.
void write_pieces(const std::string& path, int flags, std::span<const std::string_view> pieces,
                  const std::string& name) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666));
  const auto write = [&](std::string_view piece) { return write_all(file.get(), piece); };
  if (file.get() < 0 || !std::all_of(pieces.begin(), pieces.end(), write) || !file.close())
    fail_errno("write", name, errno);
}

void sync_file(const std::string& path, const std::string& name) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0) fail_errno("write", name, errno);
}

// The rename is durable only when the folder is, too. Some file systems cannot sync a folder; the
// file is complete all the same.
void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());
}

}  // namespace

void fail_errno(std::string_view verb, const std::string& path, int error) {
  fail(ErrorKind::Io, "cannot {} '{}': {}", verb, path, std::generic_category().message(error));
}

std::string read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) fail_errno("read", path, errno);
  if (S_ISDIR(status.st_mode)) fail_errno("read", path, EISDIR);
  // The size is a hint: pipes and /proc have none, and a file may grow while it is read.
  std::string bytes;
  size_t filled = 0;
  while (true) {
    bytes.resize(std::max(filled + 65536, static_cast<size_t>(status.st_size) + 1));
    const ssize_t n = ::read(file.get(), bytes.data() + filled,
                             std::min(bytes.size() - filled, kLargestTransfer));
    if (n < 0 && errno != EINTR) fail_errno("read", path, errno);
    if (n == 0) break;
    if (n > 0) filled += static_cast<size_t>(n);
  }
  bytes.resize(filled);
  return bytes;
}

void replace_file(const std::string& path,
                  const std::function<void(const std::string& beside)>& write) {
  std::error_code ignored;
  const auto kind = std::filesystem::status(path, ignored).type();
  if (kind == std::filesystem::file_type::directory) fail_errno("write", path, EISDIR);
  // A link stays a link: the file that it names is replaced.
  const std::filesystem::path target = kind == std::filesystem::file_type::regular
                                           ? std::filesystem::canonical(path, ignored)
                                           : std::filesystem::path(path);
  static std::atomic<unsigned> serial = 0;
  const std::string beside = fmt::format("{}.{}-{}.tmp", target.string(), ::getpid(), serial++);
  try {
    write(beside);
    sync_file(beside, path);
    if (::rename(beside.c_str(), target.c_str()) != 0) fail_errno("write", path, errno);
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
  sync_folder_of(target);
}

void write_file(const std::string& path, std::span<const std::string_view> pieces) {
  std::error_code ignored;
  const auto kind = std::filesystem::status(path, ignored).type();
  using Type = std::filesystem::file_type;
  if (kind != Type::regular && kind != Type::directory && kind != Type::not_found &&
      kind != Type::none)
    return write_pieces(path, 0, pieces, path);
  replace_file(path, [&](const std::string& beside) {
    write_pieces(beside, O_CREAT | O_EXCL, pieces, path);
  });
}

void write_file(const std::string& path, std::string_view bytes) {
  write_file(path, std::span(&bytes, 1));
}

}  // namespace hone::io

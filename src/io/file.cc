// Reading and atomically writing files with the operating system's own calls, whose errno is the
// reason that the user gets to see.
#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

void write_pieces(const std::string& path, std::span<const std::string_view> pieces,
                  const std::string& name) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  const auto write = [&](std::string_view piece) { return write_all(file.get(), piece); };
  if (file.get() < 0 || !std::all_of(pieces.begin(), pieces.end(), write) || !file.close())
    fail_errno("write", name, errno);
}

// The file that `path` names through links, be it there or not.
std::string resolved(const std::string& path) {
  constexpr int kMostLinks = 40;  // as Linux has it
  std::filesystem::path at = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks; ++i) {
    if (!std::filesystem::is_symlink(at, error)) return at.string();
    at = at.parent_path() / std::filesystem::read_symlink(at, error);
  }
  fail_errno("write", path, ELOOP);
}

// Where a path leads.
struct Destination {
  std::string target;  // what is written
  bool exists = false;
  bool is_special = false;  // it is written in place
  struct stat old {};       // if it exists
};

Destination destination_of(const std::string& path) {
  Destination out{path};
  out.exists = ::stat(path.c_str(), &out.old) == 0;
  if (out.exists && S_ISDIR(out.old.st_mode)) fail_errno("write", path, EISDIR);
  out.is_special = out.exists && !S_ISREG(out.old.st_mode);
  if (!out.is_special) out.target = resolved(path);
  return out;
}

std::string unique_name(const std::string& stem, std::string_view extension) {
  static std::atomic<unsigned> serial = 0;
  return fmt::format("{}.{}-{}.{}", stem, ::getpid(), serial++, extension);
}

bool create(const std::string& path, mode_t mode) {
  return Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)).get() >= 0;
}

// Gives a draft the mode and the owner of what it will replace, and brings it to the disk.
bool finish(const std::string& draft, const struct stat* old) {
  const Descriptor file(::open(draft.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) return false;
  if (old != nullptr) {
    const bool owned = ::fchown(file.get(), old->st_uid, old->st_gid) == 0;
    // What another owner's file may do, this one's must not.
    if (::fchmod(file.get(), old->st_mode & (owned ? 07777U : 0777U)) != 0) return false;
  }
  return ::fsync(file.get()) == 0;
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

void FileTransaction::write(const std::string& path,
                            const std::function<void(const std::string& draft)>& write) {
  const Destination to = destination_of(path);
  File file{path, to.target, {}, {}, to.is_special};
  std::error_code ignored;
  file.draft = unique_name(file.is_special
                               ? (std::filesystem::temp_directory_path(ignored) / "hone").string()
                               : file.target,
                           "tmp");
  // Nobody else may read the draft of what may be secret.
  const mode_t mode = to.exists ? S_IRUSR | S_IWUSR : 0666;
  if (!create(file.draft, mode)) fail_errno("write", path, errno);
  try {
    write(file.draft);
    if (!file.is_special && !finish(file.draft, to.exists ? &to.old : nullptr))
      fail_errno("write", path, errno);
  } catch (...) {
    ::unlink(file.draft.c_str());
    throw;
  }
  files_.push_back(std::move(file));
}

void FileTransaction::write(const std::string& path, std::span<const std::string_view> pieces) {
  write(path, [&](const std::string& draft) { write_pieces(draft, pieces, path); });
}

void FileTransaction::place(File& file) {
  if (file.is_special) {
    const std::string bytes = read_file(file.draft);
    return write_pieces(file.target, std::array{std::string_view(bytes)}, file.path);
  }
  // A rename that fails changes nothing: the last file needs no backup.
  if (&file != &files_.back()) {
    std::string backup = unique_name(file.target, "old");
    // Not every file system has hard links.
    const bool kept = ::link(file.target.c_str(), backup.c_str()) == 0 ||
                      ::rename(file.target.c_str(), backup.c_str()) == 0;
    if (!kept && errno != ENOENT) fail_errno("write", file.path, errno);
    if (kept) file.backup = std::move(backup);
  }
  if (::rename(file.draft.c_str(), file.target.c_str()) != 0) fail_errno("write", file.path, errno);
  file.draft.clear();
}

std::string FileTransaction::roll_back() const {
  std::string lost;
  for (const File& file : files_) {
    if (file.backup.empty()) {
      if (file.draft.empty()) ::unlink(file.target.c_str());
    } else if (::rename(file.backup.c_str(), file.target.c_str()) == 0) {
      ::unlink(file.backup.c_str());  // what a rename to the same file leaves
    } else {
      lost += fmt::format("; what was in '{}' is now in '{}'", file.path, file.backup);
    }
  }
  return lost;
}

void FileTransaction::commit() {
  try {
    for (File& file : files_) place(file);
  } catch (const Error& e) {
    const std::string lost = roll_back();
    if (lost.empty()) throw;
    fail(e.kind(), "{}{}", e.what(), lost);
  } catch (...) {
    roll_back();
    throw;
  }
  for (const File& file : files_) {
    if (!file.backup.empty()) ::unlink(file.backup.c_str());
    if (!file.is_special) sync_folder_of(file.target);
  }
}

FileTransaction::~FileTransaction() {
  for (const File& file : files_)
    if (!file.draft.empty()) ::unlink(file.draft.c_str());
}

void require_writable(const std::string& path) {
  namespace fs = std::filesystem;
  const Destination to = destination_of(path);
  const fs::path folder = fs::absolute(to.target).parent_path();
  std::error_code error;
  if (!fs::is_directory(folder, error))
    fail(ErrorKind::Io, "cannot write '{}': there is no folder '{}'", path, folder.string());
  // A file is written beside and renamed.
  if (::access(to.is_special ? to.target.c_str() : folder.c_str(), W_OK) != 0)
    fail_errno("write", path, errno);
}

void write_file(const std::string& path, std::span<const std::string_view> pieces) {
  FileTransaction transaction;
  transaction.write(path, pieces);
  transaction.commit();
}

void write_file(const std::string& path, std::string_view bytes) {
  write_file(path, std::span(&bytes, 1));
}

}  // namespace hone::io

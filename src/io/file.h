// Whole files, read and written. A write is atomic: the bytes go to a draft beside, reach the disk,
// and the draft is renamed, so that a crash or a full disk never leaves half of a file.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::io {

/// The bytes of a file. Throws Io, naming the file.
std::string read_file(const std::string& path);

/// Files that are put in their places together. Without `commit`, or if it throws, the places have
/// what they had. No file system renames several files at once: whoever looks while `commit` runs
/// may see new files beside old ones, and so may who comes after a crash just then.
///
/// A file that is replaced keeps its mode and, where that is allowed, its owner; a link stays one,
/// and the file that it names is written. What exists and is no regular file (a pipe, /dev/null) is
/// written in place and cannot be taken back.
class FileTransaction {
 public:
  FileTransaction() = default;
  ~FileTransaction();
  FileTransaction(const FileTransaction&) = delete;
  FileTransaction& operator=(const FileTransaction&) = delete;

  /// Prepares what `path` will be: calls `write` with the name of an empty file, the draft. Throws
  /// Io, naming the path.
  void write(const std::string& path, const std::function<void(const std::string& draft)>& write);
  /// The same of the concatenated pieces.
  void write(const std::string& path, std::span<const std::string_view> pieces);
  /// Puts everything in its place. Throws Io, naming the first path for which that cannot be done
  /// and the backups of files that could not be put back.
  void commit();

 private:
  struct File {
    std::string path;    // as the caller named it
    std::string target;  // what it is behind links
    std::string draft;   // empty once it is in its place
    std::string backup;  // what was in its place, until all files are in theirs
    bool is_special = false;
  };
  void place(File& file);
  /// Puts back what was there. Says what it could not, or nothing.
  std::string roll_back() const;
  std::vector<File> files_;
};

/// Throws Io, naming the path, where `FileTransaction` could not write a file, as far as can be
/// told before there is one.
void require_writable(const std::string& path);

/// One file alone.
void write_file(const std::string& path, std::span<const std::string_view> pieces);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace hone::io

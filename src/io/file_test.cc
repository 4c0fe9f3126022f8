// Files are written whole or not at all.
#include "io/file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>

#include "io/test_folder.h"

namespace hone::io {
namespace {

TEST(File, WritesPiecesAndReadsThemBack) {
  const TestFolder folder;
  const std::string path = folder / "a";
  const std::string big(300000, 'x');
  const std::array<std::string_view, 3> pieces = {"one\0two", "", big};
  write_file(path, pieces);
  EXPECT_EQ(read_file(path), "one" + big);
  write_file(path, "shorter");
  EXPECT_EQ(read_file(path), "shorter");
  EXPECT_EQ(folder.files(), 1);
}

TEST(File, ReadsWhatHasNoSize) { EXPECT_FALSE(read_file("/proc/self/status").empty()); }

TEST(File, KeepsALink) {
  const TestFolder folder;
  write_file(folder / "file", "old");
  std::filesystem::create_symlink(folder / "file", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "file"), "new");
}

TEST(File, NamesWhatItCannotReadOrWrite) {
  const TestFolder folder;
  const std::string missing = folder / "missing/file";
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { read_file(missing); }),
            "cannot read '" + missing + "': No such file or directory");
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file(missing, "x"); }),
            "cannot write '" + missing + "': No such file or directory");
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file(folder / "", "x"); }),
            "cannot write '" + (folder / "") + "': Is a directory");
  EXPECT_EQ(folder.files(), 0);
}

TEST(File, SaysThatTheDiskIsFull) {
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file("/dev/full", "x"); }),
            "cannot write '/dev/full': No space left on device");
  EXPECT_NO_THROW(write_file("/dev/null", "x"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
}

// A limit on the size of files breaks the write in the middle, as a full disk would.
TEST(File, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TestFolder folder;
  write_file(folder / "a", "old");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string line =
      error_of(ErrorKind::Io, [&] { write_file(folder / "a", std::string(10000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(line, "cannot write '" + (folder / "a") + "': File too large");
  EXPECT_EQ(read_file(folder / "a"), "old");
  EXPECT_EQ(folder.files(), 1);
}

}  // namespace
}  // namespace hone::io

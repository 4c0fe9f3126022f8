// Files are written whole or not at all.
#include "io/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <thread>

#include "base/test_support.h"
#include "io/descriptor.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

TEST(File, WritesPiecesAndReadsThemBack) {
  const TempFolder folder;
  const std::string path = folder.file("a");
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
  const TempFolder folder;
  write_file(folder.file("file"), "old");
  std::filesystem::create_symlink(folder.file("file"), folder.file("link"));
  write_file(folder.file("link"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_EQ(read_file(folder.file("file")), "new");
}

TEST(File, WritesThroughALinkToWhatIsNotThereYet) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("in"));
  std::filesystem::create_symlink("in/second", folder.file("first"));
  std::filesystem::create_symlink("../file", folder.file("in/second"));
  write_file(folder.file("first"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("first")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("in/second")));
  EXPECT_EQ(read_file(folder.file("file")), "new");
  std::filesystem::create_symlink("loop", folder.file("loop"));
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file(folder.file("loop"), "x"); }),
            "cannot write '" + folder.file("loop") + "': Too many levels of symbolic links");
}

TEST(File, KeepsTheModeOfWhatItReplaces) {
  using std::filesystem::perms;
  const TempFolder folder;
  const auto mode = [&] { return std::filesystem::status(folder.file("a")).permissions(); };
  const mode_t mask = ::umask(022);
  write_file(folder.file("a"), "new");
  EXPECT_EQ(mode(), perms{0644});
  for (const perms kept : {perms{0600}, perms{0666}, perms{0755}, perms{0444}}) {
    std::filesystem::permissions(folder.file("a"), kept);
    write_file(folder.file("a"), "again");
    EXPECT_EQ(mode(), kept);
  }
  ::umask(mask);
}

TEST(FileTransaction, PutsAllInTheirPlacesOrNone) {
  const TempFolder folder;
  write_file(folder.file("a"), "old");
  const auto write = [](FileTransaction& files, const std::string& path, std::string_view bytes) {
    files.write(path, std::span(&bytes, 1));
  };
  {
    FileTransaction files;
    write(files, folder.file("a"), "new");
    write(files, folder.file("b"), "new");
    EXPECT_EQ(error_of(ErrorKind::Io, [&] { write(files, folder.file(""), "new"); }),
              "cannot write '" + folder.file("") + "': Is a directory");
    EXPECT_EQ(read_file(folder.file("a")), "old");
  }
  EXPECT_EQ(folder.files(), 1);
  {
    FileTransaction files;
    for (const char* name : {"a", "b", "c"}) write(files, folder.file(name), "new");
    std::filesystem::create_directory(folder.file("c"));
    EXPECT_EQ(error_of(ErrorKind::Io, [&] { files.commit(); }),
              "cannot write '" + folder.file("c") + "': Is a directory");
  }
  EXPECT_EQ(read_file(folder.file("a")), "old");
  EXPECT_EQ(folder.files(), 2);
  FileTransaction files;
  for (const char* name : {"a", "b"}) write(files, folder.file(name), "new");
  files.commit();
  for (const char* name : {"a", "b"}) EXPECT_EQ(read_file(folder.file(name)), "new");
  EXPECT_EQ(folder.files(), 3);
}

// While the pipe is written, which waits for its reader, the place of the first file is taken.
TEST(FileTransaction, LeavesWhatItCannotPutBack) {
  const TempFolder folder;
  write_file(folder.file("a"), "old");
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  std::thread reader([&] {
    const Descriptor pipe(::open(folder.file("pipe").c_str(), O_RDONLY | O_CLOEXEC));
    std::filesystem::remove(folder.file("a"));
    for (const char* name : {"a", "c"}) std::filesystem::create_directory(folder.file(name));
    std::array<char, 65536> bytes{};
    while (::read(pipe.get(), bytes.data(), bytes.size()) > 0) continue;
  });
  FileTransaction files;
  const std::string large(1 << 20, 'x');
  const std::string_view bytes = large;
  for (const char* name : {"a", "pipe", "c"}) files.write(folder.file(name), std::span(&bytes, 1));
  const std::string line = error_of(ErrorKind::Io, [&] { files.commit(); });
  reader.join();
  const std::string expected = "cannot write '" + folder.file("c") +
                               "': Is a directory; what was in '" + folder.file("a") +
                               "' is now in '";
  ASSERT_TRUE(line.starts_with(expected)) << line;
  EXPECT_EQ(read_file(line.substr(expected.size(), line.size() - expected.size() - 1)), "old");
}

TEST(File, TellsBeforehandWhatItCannotWrite) {
  const TempFolder folder;
  const auto refused = [&](const std::string& name) {
    const std::string path = folder.file(name);
    const std::string line = error_of(ErrorKind::Io, [&] { require_writable(path); });
    const std::string expected = "cannot write '" + path + "': ";
    EXPECT_TRUE(line.starts_with(expected)) << line;
    return line.substr(std::min(line.size(), expected.size()));
  };
  EXPECT_EQ(refused(""), "Is a directory");
  EXPECT_EQ(refused("absent/file"), "there is no folder '" + folder.file("absent") + "'");
  std::filesystem::create_symlink("absent/file", folder.file("link"));
  EXPECT_EQ(refused("link"), "there is no folder '" + folder.file("absent") + "'");
  std::filesystem::create_directory(folder.file("absent"));
  require_writable(folder.file("link"));
  require_writable(folder.file("new"));
  require_writable("/dev/null");
  EXPECT_EQ(folder.files(), 2);
}

TEST(File, NamesWhatItCannotReadOrWrite) {
  const TempFolder folder;
  const std::string missing = folder.file("missing/file");
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { read_file(missing); }),
            "cannot read '" + missing + "': No such file or directory");
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file(missing, "x"); }),
            "cannot write '" + missing + "': No such file or directory");
  EXPECT_EQ(error_of(ErrorKind::Io, [&] { write_file(folder.file(""), "x"); }),
            "cannot write '" + (folder.file("")) + "': Is a directory");
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
  const TempFolder folder;
  write_file(folder.file("a"), "old");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string line =
      error_of(ErrorKind::Io, [&] { write_file(folder.file("a"), std::string(10000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(line, "cannot write '" + (folder.file("a")) + "': File too large");
  EXPECT_EQ(read_file(folder.file("a")), "old");
  EXPECT_EQ(folder.files(), 1);
}

}  // namespace
}  // namespace hone::io

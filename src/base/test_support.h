// What tests of every folder share: a folder for their files, gone with the test, and the errors
// that they expect.
#pragma once

#include <gtest/gtest.h>
#include <hone/error.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace hone::test {

using Bytes = std::vector<uint8_t>;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hone-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw Error(ErrorKind::Io, "cannot make a folder '" + pattern + "'");
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// How many files the folder holds.
  int64_t files() const { return std::distance(std::filesystem::directory_iterator(path_), {}); }
  std::string write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(file(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

/// The line of the error that `f` throws; fails the test if it throws none, one of another kind, or
/// one of several lines.
template <class F>
std::string error_of(ErrorKind kind, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "expected an error";
  return "no error";
}
template <class F>
std::string error_of(F&& f) {
  return error_of(ErrorKind::InvalidInput, std::forward<F>(f));
}

/// Expects `f` to throw an Error of `kind` whose line contains all of `parts`.
template <class F>
void expect_error(ErrorKind kind, const std::vector<std::string>& parts, F&& f) {
  const std::string line = error_of(kind, std::forward<F>(f));
  for (const std::string& part : parts) EXPECT_NE(line.find(part), std::string::npos) << line;
}

}  // namespace hone::test

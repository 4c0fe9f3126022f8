// For the tests: a folder that is removed again, and files in it.
#pragma once

#include <gtest/gtest.h>
#include <hone/error.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace hone::data {

using Bytes = std::vector<uint8_t>;

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hone_test_XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(file(name), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

inline Bytes gzip(const Bytes& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, bytes.size()));
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<unsigned>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// An IDX file: type code, dimensions, then `elements` as they are.
inline Bytes idx(uint8_t code, const std::vector<uint32_t>& dims, const Bytes& elements) {
  Bytes out = {0, 0, code, static_cast<uint8_t>(dims.size())};
  for (uint32_t d : dims)
    for (int shift : {24, 16, 8, 0}) out.push_back(static_cast<uint8_t>(d >> shift));
  out.insert(out.end(), elements.begin(), elements.end());
  return out;
}

/// `count` bytes that deflate cannot shrink away.
inline Bytes noise(size_t count) {
  Bytes out(count);
  uint32_t state = 1;
  for (uint8_t& b : out) b = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

/// Expects `f` to throw an Error of `kind` whose one line contains all of `parts`.
template <class F>
void expect_error(ErrorKind kind, const std::vector<std::string>& parts, F&& f) {
  try {
    f();
    FAIL() << "no error; expected one with '" << parts[0] << "'";
  } catch (const Error& e) {
    const std::string text = e.what();
    EXPECT_EQ(e.kind(), kind) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
  }
}

}  // namespace hone::data

// .npz files: there and back, what numpy.savez_compressed writes, and what lies.
#include "io/npz.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <thread>

#include "base/test_support.h"
#include "io/file.h"
#include "io/npy.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

std::string little(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = 0; i < bytes; ++i)  // beyond the value there is nothing
    out += static_cast<char>(i < sizeof value ? value >> (8 * i) : 0);
  return out;
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Member {
  std::string name;
  std::string bytes;
  bool deflate = false;
  uint64_t declared = UINT64_MAX;  ///< the size that the archive says, if it lies
};

// A zip archive as Python's zipfile writes it.
std::string archive_of(const std::vector<Member>& members) {
  std::string out;
  std::string directory;
  for (const Member& m : members) {
    const std::string data = m.deflate ? deflated(m.bytes) : m.bytes;
    const auto crc =
        crc32(0, reinterpret_cast<const Bytef*>(m.bytes.data()), static_cast<uInt>(m.bytes.size()));
    const uint64_t size = m.declared == UINT64_MAX ? m.bytes.size() : m.declared;
    const std::string common = little(20, 2) + little(0, 2) + little(m.deflate ? 8 : 0, 2) +
                               little(0, 2) + little(33, 2) + little(crc, 4) +
                               little(data.size(), 4) + little(size, 4) + little(m.name.size(), 2) +
                               little(0, 2);
    directory += "PK\1\2" + little(20, 2) + common + little(0, 10) + little(out.size(), 4) + m.name;
    out += "PK\3\4" + common + m.name + data;
  }
  const size_t begin = out.size();
  out += directory;
  return out + "PK\5\6" + little(0, 4) + little(members.size(), 2) + little(members.size(), 2) +
         little(directory.size(), 4) + little(begin, 4) + little(0, 2);
}

std::string npy(const Tensor& t) { return npy_header(t.type()) + std::string(bytes_of(t)); }

std::string error(ErrorKind kind, const std::vector<Member>& members) {
  return error_of(kind, [&] { parse_npz(archive_of(members), "w.npz"); });
}

TEST(Npz, StoredAndDeflatedArraysAreRead) {
  const Tensor zeros(DType::f32, {100, 100});
  const Tensor flags = Tensor::from<bool>({3}, {true, false, true});
  const std::string bytes = archive_of({{"a/w.npy", npy(zeros), true}, {"b.npy", npy(flags)}});
  EXPECT_LT(bytes.size(), 1000U);
  const auto read = parse_npz(bytes, "w.npz");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_TRUE(read.at("a/w").same_bits(zeros));
  EXPECT_TRUE(read.at("b").same_bits(flags));
}

TEST(Npz, WhatIsWrittenReturnsAndIsTheSameAgain) {
  const TempFolder folder;
  const std::map<std::string, Tensor> tensors = {{"fc.weight", Tensor::from<float>({2}, {1, -2})},
                                                 {"step", Tensor::scalar_i64(3)},
                                                 {"none", Tensor(DType::f64, {0, 2})}};
  save_npz(folder.file("w.npz"), tensors);
  const auto read = load_npz(folder.file("w.npz"));
  ASSERT_EQ(read.size(), 3U);
  for (const auto& [name, t] : tensors) EXPECT_TRUE(read.at(name).same_bits(t)) << name;
  const std::string bytes = read_file(folder.file("w.npz"));
  save_npz(folder.file("w.npz"), tensors);
  EXPECT_EQ(read_file(folder.file("w.npz")), bytes);
  EXPECT_EQ(folder.files(), 1);
  EXPECT_EQ(parse_npz(bytes, "w.npz").size(), 3U);
}

TEST(Npz, ADamagedFileIsRefusedOrWhole) {
  const std::string bytes = archive_of({{"w.npy", npy(Tensor(DType::f32, {30})), true}});
  for (size_t n = 0; n < bytes.size(); ++n)
    error_of(ErrorKind::InvalidInput, [&] { parse_npz(bytes.substr(0, n), "w.npz"); });
}

TEST(Npz, SaysWhatIsWrong) {
  using enum ErrorKind;
  const std::string good = npy(Tensor::scalar(1));
  EXPECT_EQ(error(InvalidInput, {{"readme.txt", "hello"}}),
            "'w.npz': expected arrays, found 'readme.txt'");
  EXPECT_EQ(error(InvalidInput, {{"w.npy", "hello"}}), "'w.npz': array 'w': not a .npy file");
  EXPECT_EQ(error(InvalidInput, {{"w.npy", good + "1"}}),
            "'w.npz': array 'w': f32[]: expected 4 bytes of data, found 5");
  std::string changed = archive_of({{"w.npy", good}});
  changed[changed.find(good) + good.size() - 1] ^= 1;
  EXPECT_TRUE(error_of(InvalidInput, [&] {
                parse_npz(changed, "w.npz");
              }).starts_with("'w.npz': array 'w': corrupt: "));
  EXPECT_TRUE(error_of(InvalidInput, [] {
                parse_npz("", "w.npz");
              }).starts_with("'w.npz': not a .npz file: "));
  EXPECT_EQ(error_of(Io, [] { load_npz("/absent/w.npz"); }),
            "cannot read '/absent/w.npz': No such file or directory");
}

// A size that no stream of those bytes has, and one that the bytes do not bear out.
TEST(Npz, AllocatesNothingForSizesThatTheArchiveCannotHold) {
  const TensorType huge{DType::f32, {1000, 1000, 1000}};
  const auto declared = static_cast<uint64_t>(huge.bytes()) + npy_header(huge).size();
  EXPECT_TRUE(error(ErrorKind::InvalidInput, {{"w.npy", npy_header(huge), true, declared}})
                  .ends_with("cannot hold the 4000000128 that are declared"));
  const TensorType large{DType::f32, {1000}};
  EXPECT_TRUE(error(ErrorKind::InvalidInput, {{"w.npy", npy_header(large), true, 4128}})
                  .starts_with("'w.npz': array 'w': "));
}

TEST(Npz, GoesThroughAPipe) {
  const TempFolder folder;
  const std::map<std::string, Tensor> arrays = {{"a", Tensor::scalar(2)}};
  save_npz(folder.file("file.npz"), arrays);
  ASSERT_EQ(::mkfifo(folder.file("pipe.npz").c_str(), 0600), 0);
  std::string read;
  std::thread reader([&] { read = read_file(folder.file("pipe.npz")); });
  save_npz(folder.file("pipe.npz"), arrays);
  reader.join();
  EXPECT_EQ(read, read_file(folder.file("file.npz")));
  EXPECT_TRUE(std::filesystem::is_fifo(folder.file("pipe.npz")));
}

TEST(Npz, NamesTheArrayThatItCannotHold) {
  const TempFolder folder;
  const std::string path = folder.file("a.npz");
  EXPECT_EQ(error_of(ErrorKind::Unsupported,
                     [&] {
                       save_npz(path, {{"w", Tensor(DType::bf16, {2})}});
                     }),
            "'" + path + "': array 'w': bf16[2]: NumPy has no bf16: cast it to f32");
  EXPECT_EQ(folder.files(), 0);
}

}  // namespace
}  // namespace hone::io

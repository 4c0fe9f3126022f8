// Safetensors files: there and back, stable bytes, and files that are broken on purpose.
#include "io/safetensors.h"

#include <gtest/gtest.h>

#include "base/dtype.h"
#include "base/test_support.h"
#include "io/file.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

Safetensors example() {
  return {{{"b.weight", Tensor::from<float>({2, 2}, {1, -2, 3, 4})},
           {"a.step", Tensor::scalar_i64(7)},
           {"mask", Tensor::from<bool>({3}, {true, false, true})},
           {"empty", Tensor(DType::f64, {0, 5})},
           {"raw", Tensor::from<uint8_t>({1}, {255})},
           {"tall", Tensor::from<int32_t>({1, 1, 1, 1}, {-5})}},
          {{"epoch", "3"}, {"note", "line\n\"quoted\" \xc3\xa9"}}};
}

std::string file(const std::string& header, const std::string& data) {
  std::string out(8, '\0');
  out[0] = static_cast<char>(header.size() & 255);
  out[1] = static_cast<char>(header.size() >> 8);
  return out + header + data;
}

std::string parse_error(ErrorKind kind, const std::string& bytes) {
  const std::string line = error_of(kind, [&] { parse_safetensors(bytes, "m"); });
  EXPECT_TRUE(line.starts_with("'m': ")) << line;
  return line.substr(std::min<size_t>(5, line.size()));
}

std::string header_error(const std::string& header, const std::string& data = "12345678") {
  return parse_error(ErrorKind::InvalidInput, file(header, data));
}

TEST(Safetensors, ReturnAsTheyWere) {
  const TempFolder folder;
  Safetensors before = example();
  for (int i = 0; i < kDTypes; ++i)
    before.tensors[fmt::format("dtype {}", i)] =
        Tensor::from<float>({3}, {0, 1, 2}).cast(static_cast<DType>(i));
  save_safetensors(folder.file("m"), before);
  const Safetensors after = load_safetensors(folder.file("m"));
  EXPECT_EQ(after.metadata, before.metadata);
  ASSERT_EQ(after.tensors.size(), before.tensors.size());
  for (const auto& [name, tensor] : before.tensors)
    EXPECT_TRUE(after.tensors.at(name).same_bits(tensor)) << name;
  const std::string bytes = read_file(folder.file("m"));
  save_safetensors(folder.file("again"), after);
  EXPECT_EQ(read_file(folder.file("again")), bytes);
}

TEST(Safetensors, ReadTheFormatAsItIsSpecified) {
  const std::string bytes =
      file(R"({"x":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}} )",
           std::string("\1\0\0\0\xff\xff\xff\xff", 8));
  const Safetensors m = parse_safetensors(bytes, "m");
  EXPECT_TRUE(m.tensors.at("x").same_bits(Tensor::from<int32_t>({2}, {1, -1})));
  EXPECT_EQ(m.metadata.at("k"), "v");
}

TEST(Safetensors, RefuseWhatIsNoHeader) {
  EXPECT_EQ(parse_error(ErrorKind::InvalidInput, ""), "truncated in the header");
  EXPECT_EQ(parse_error(ErrorKind::InvalidInput, std::string(8, '\xff')),
            "not a safetensors file: its header would have 18446744073709551615 bytes");
  EXPECT_EQ(header_error("{"), "header is no valid JSON");
  EXPECT_EQ(header_error("[]"), "header is no JSON object");
  EXPECT_EQ(header_error(std::string(60000, '[')), "header is nested too deeply");
  EXPECT_EQ(header_error(R"({"x":1,"x":2})"), "header names 'x' twice");
  EXPECT_EQ(header_error(R"({"__metadata__":{"k":1}})"), "metadata 'k' is no string");
}

TEST(Safetensors, RefuseEntriesThatLie) {
  const auto entry = [](const std::string& shape, const std::string& offsets) {
    return R"({"x":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(header_error(R"({"x":{}})"), "tensor 'x': expected dtype, shape and data_offsets");
  EXPECT_EQ(header_error(entry("[3]", "[0,8]")),
            "tensor 'x': f32[3] takes 12 bytes, data_offsets says 8");
  EXPECT_EQ(header_error(entry("[4]", "[0,16]")),
            "tensor 'x': data ends at byte 16, the file has 8");
  EXPECT_EQ(header_error(entry("[2]", "[8,0]")), "tensor 'x': data_offsets is no range");
  EXPECT_EQ(header_error(entry("[2]", "[0]")), "tensor 'x': data_offsets is no range");
  EXPECT_EQ(header_error(entry("[-2]", "[0,8]")), "tensor 'x': shape is no list of integers");
  EXPECT_EQ(header_error(entry("[1e3]", "[0,8]")), "tensor 'x': shape is no list of integers");
  EXPECT_EQ(header_error(entry("[4294967296,4294967296]", "[0,8]")),
            "tensor 'x': shape [4294967296,4294967296] is too large");
  EXPECT_EQ(header_error(entry("[1]", "[4,8]")), "tensor 'x' begins at byte 4, expected 0");
  EXPECT_EQ(header_error(entry("[1]", "[0,4]")), "expected 4 bytes of data, found 8");
  EXPECT_EQ(parse_error(
                ErrorKind::Unsupported,
                file(R"({"x":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "12345678")),
            "tensor 'x': dtype 'F8_E4M3' is not supported");
}

TEST(Safetensors, NoPrefixOfAFileIsRead) {
  const TempFolder folder;
  save_safetensors(folder.file("m"), example());
  const std::string bytes = read_file(folder.file("m"));
  for (size_t n = 0; n < bytes.size(); ++n)
    parse_error(ErrorKind::InvalidInput, bytes.substr(0, n));
}

// A flipped byte may go unnoticed in the data, but must never do more than throw.
TEST(Safetensors, AFlippedByteThrowsOrIsHarmless) {
  const TempFolder folder;
  save_safetensors(folder.file("m"), example());
  const std::string bytes = read_file(folder.file("m"));
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      try {
        parse_safetensors(flipped, "m");
      } catch (const Error&) {
      }
    }
}

}  // namespace
}  // namespace hone::io

// .npy files: NumPy's own bytes, every dtype there and back, and broken files.
#include "io/npy.h"

#include <gtest/gtest.h>

#include "base/dtype.h"
#include "base/test_support.h"
#include "io/file.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

std::string npy(const std::string& header, const std::string& data) {
  std::string out = "\x93NUMPY";
  out += {'\1', '\0', static_cast<char>(header.size()), '\0'};
  return out + header + data;
}

std::string parse_error(ErrorKind kind, const std::string& bytes) {
  return error_of(kind, [&] { parse_npy(bytes, "x.npy"); });
}

TEST(Npy, ReadsWhatNumPyWrites) {
  // numpy.save of numpy.array([[1, 2, 3]], dtype="u1")
  std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3), }";
  header.append(128 - 10 - 1 - header.size(), ' ');
  const std::string bytes = npy(header + '\n', "\1\2\3");
  const Tensor t = parse_npy(bytes, "x.npy");
  EXPECT_TRUE(t.same_bits(Tensor::from<uint8_t>({1, 3}, {1, 2, 3})));
  EXPECT_EQ(npy_header(t.type()) + std::string(bytes_of(t)), bytes);
}

TEST(Npy, EveryDtypeAndRankReturns) {
  const TempFolder folder;
  const Tensor tensors[] = {Tensor::scalar(-1.5f),
                            Tensor::from<float>({3}, {1, 2, 3}),
                            Tensor::from<double>({2, 1}, {1e300, -0.0}),
                            Tensor::from<int32_t>({1, 2, 1}, {-1, 7}),
                            Tensor::scalar_i64(int64_t{1} << 60),
                            Tensor::from<bool>({2}, {true, false}),
                            Tensor(DType::f32, {0, 4})};
  for (const Tensor& t : tensors) {
    save_npy(folder.file("t.npy"), t);
    EXPECT_TRUE(load_npy(folder.file("t.npy")).same_bits(t)) << t.type().to_string();
  }
  for (int i = 0; i < kDTypes; ++i) {
    const Tensor t = Tensor::from<float>({3}, {1, 2, 3}).cast(static_cast<DType>(i));
    if (t.dtype() == DType::bf16) {
      EXPECT_EQ(error_of(ErrorKind::Unsupported, [&] { save_npy(folder.file("t.npy"), t); }),
                "bf16[3]: NumPy has no bf16: cast it to f32");
      continue;
    }
    save_npy(folder.file("t.npy"), t);
    EXPECT_TRUE(load_npy(folder.file("t.npy")).same_bits(t)) << t.type().to_string();
  }
}

TEST(Npy, SaysWhatIsWrong) {
  using enum ErrorKind;
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string header = good;
    return npy(header.replace(header.find(from), from.size(), to), std::string(8, '\0'));
  };
  EXPECT_NO_THROW(parse_npy(with("'", "'"), "x.npy"));
  EXPECT_EQ(parse_error(InvalidInput, ""), "'x.npy': not a .npy file");
  EXPECT_EQ(parse_error(InvalidInput, "\x93NUMPY\1"), "'x.npy': truncated in the header");
  EXPECT_EQ(parse_error(InvalidInput, npy(good, "").substr(0, 30)),
            "'x.npy': truncated in the header");
  EXPECT_EQ(parse_error(InvalidInput, npy(good, "123")),
            "'x.npy': f32[2]: expected 8 bytes of data, found 3");
  EXPECT_EQ(parse_error(Unsupported, with("<f4", ">f4")),
            "'x.npy': dtype '>f4' is not supported: expected one of <f4, <f8, <i4, <i8, |u1, "
            "|b1, |i1, <i2, <u2, <u4, <u8, <f2");
  EXPECT_EQ(parse_error(Unsupported, with("False", "True")),
            "'x.npy': Fortran order is not supported: save it with numpy.ascontiguousarray");
  EXPECT_EQ(parse_error(InvalidInput, with("(2,)", "(-2,)")),
            "'x.npy': shape [-2] has a negative extent");
  EXPECT_EQ(parse_error(InvalidInput, with("(2,)", "(4611686018427387904,4)")),
            "'x.npy': shape [4611686018427387904,4] is too large");
  EXPECT_EQ(parse_error(InvalidInput, with("(2,)", "(99999999999999999999,)")),
            "'x.npy': shape has something that is no integer");
  EXPECT_EQ(parse_error(InvalidInput, with("'shape': (2,),", "")),
            "'x.npy': header lacks descr, fortran_order or shape");
}

TEST(Npy, NoPrefixOfAFileIsRead) {
  const Tensor t = Tensor::from<float>({2}, {1, 2});
  const std::string bytes = npy_header(t.type()) + std::string(bytes_of(t));
  for (size_t n = 0; n < bytes.size(); ++n)
    parse_error(ErrorKind::InvalidInput, bytes.substr(0, n));
}

}  // namespace
}  // namespace hone::io

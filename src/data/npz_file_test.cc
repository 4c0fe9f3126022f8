// Data sets in .npz files: which arrays are which, and what is said of those that do not fit.
#include <gtest/gtest.h>
#include <hone/data.h>

#include "base/test_support.h"
#include "io/npz.h"

namespace hone::data {
namespace {

using test::error_of;
using test::TempFolder;

Tensor counting(DType dtype, Shape shape, int64_t modulo = 256) {
  Tensor out(DType::i64, std::move(shape));
  for (int64_t i = 0; i < out.elements(); ++i) out.data<int64_t>()[i] = i % modulo;
  return out.cast(dtype);
}

class NpzFile : public testing::Test {
 protected:
  std::string save(const std::map<std::string, Tensor>& arrays) {
    io::save_npz(path_, arrays);
    return path_;
  }
  std::string error(const std::map<std::string, Tensor>& arrays) {
    save(arrays);
    const std::string line = error_of(ErrorKind::InvalidInput, [&] { load(path_); });
    EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { load_test(path_); }), line);
    EXPECT_EQ(line.find("'" + path_ + "': "), 0U) << line;
    return line.substr(std::min(line.size(), path_.size() + 4));
  }

  TempFolder folder_;
  std::string path_ = folder_.file("d.npz");
};

TEST_F(NpzFile, TrainsAndTestsOnKerasNames) {
  save({{"x_train", counting(DType::u8, {20, 2, 3})},
        {"y_train", counting(DType::u8, {20}, 4)},
        {"x_test", counting(DType::u8, {5, 2, 3})},
        {"y_test", counting(DType::u8, {5}, 3)}});
  const Splits s = load(path_, {.validation = 0.2});
  EXPECT_EQ(s.train.images.type(), (TensorType{DType::u8, {16, 1, 2, 3}}));
  EXPECT_EQ(s.validation.size(), 4);
  EXPECT_EQ(s.train.class_names, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(s.train.name, path_ + " train");
  const Dataset test = load_test(path_);
  EXPECT_TRUE(test.images.same_bits(counting(DType::u8, {5, 1, 2, 3})));
  EXPECT_TRUE(test.labels.same_bits(counting(DType::i64, {5}, 3)));
  EXPECT_TRUE(s.test.images.same_bits(test.images));
  EXPECT_EQ(test.class_names, s.test.class_names);
}

TEST_F(NpzFile, HoldsAFifthOutForTesting) {
  for (const auto& [x, y] : {std::pair("x", "y"), std::pair("images", "labels")}) {
    save({{x, counting(DType::f64, {10, 1, 2, 2})}, {y, counting(DType::i64, {10, 1}, 2)}});
    const Splits s = load(path_, {.validation = 0});
    EXPECT_EQ(s.train.images.type(), (TensorType{DType::f32, {8, 1, 2, 2}}));
    EXPECT_EQ(s.test.size(), 2);
    EXPECT_EQ(load_test(path_).size(), 10);
  }
}

TEST_F(NpzFile, ChannelsMayComeLast) {
  save({{"x", Tensor::from<uint8_t>({2, 1, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})},
        {"y", counting(DType::i32, {2})}});
  // With one row they may be either: channels first is hone's own.
  EXPECT_EQ(load_test(path_).images.shape(), (Shape{2, 1, 2, 3}));
  for (const DType dtype : {DType::u8, DType::f32}) {
    save(
        {{"x",
          Tensor::from<uint8_t>({1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).cast(dtype)},
         {"y", counting(DType::i32, {1})}});
    EXPECT_TRUE(load_test(path_).images.same_bits(
        Tensor::from<uint8_t>({1, 3, 2, 2}, {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12}).cast(dtype)));
  }
}

TEST_F(NpzFile, SaysWhatDoesNotFit) {
  const Tensor x = counting(DType::u8, {4, 2, 3});
  const Tensor y = counting(DType::i64, {4}, 2);
  EXPECT_EQ(error({{"x", x}, {"z", y}}),
            "expected an array 'y_train' or 'y' or 'labels', found 'x' u8[4,2,3], 'z' i64[4]");
  EXPECT_EQ(error({{"x", x}, {"y", y}, {"x_test", x}}),
            "expected an array 'y_test', found 'x' u8[4,2,3], 'x_test' u8[4,2,3], 'y' i64[4]");
  EXPECT_EQ(error({{"x", y}, {"y", y}}), "array 'x': expected images of rank 3 or 4, found [4]");
  EXPECT_EQ(error({{"x", x.cast(DType::i16)}, {"y", y}}),
            "array 'x': expected images of u8 or f32, found i16[4,2,3]");
  EXPECT_EQ(error({{"x", x}, {"y", y.cast(DType::f32)}}),
            "array 'y': expected labels of integers [count], found f32[4]");
  EXPECT_EQ(error({{"x", x}, {"y", counting(DType::i64, {3})}}),
            "array 'x' has 4 images, 'y' 3 labels");
  EXPECT_EQ(error({{"x", x}, {"y", Tensor::from<int64_t>({4}, {0, 1, 2, int64_t{1} << 40})}}),
            "expected labels below 1000000, found 1099511627776");
}

}  // namespace
}  // namespace hone::data

// Folders of pictures in the shapes that people have them, and damaged ones.
#include <gtest/gtest.h>
#include <hone/data.h>
#include <hone/error.h>
#include <spng.h>

#include <cstdlib>

#include "base/test_support.h"

namespace hone::data {
namespace {

using test::Bytes;
using test::TempFolder;

Bytes grey_png(uint32_t size, uint8_t value) {
  spng_ctx* ctx = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{size, size, 8, SPNG_COLOR_TYPE_GRAYSCALE, 0, 0, 0};
  const Bytes raw(size * size, value);
  EXPECT_EQ(spng_set_ihdr(ctx, &header), 0);
  EXPECT_EQ(spng_encode_image(ctx, raw.data(), raw.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  size_t bytes = 0;
  int error = 0;
  auto* buffer = static_cast<uint8_t*>(spng_get_png_buffer(ctx, &bytes, &error));
  Bytes out(buffer, buffer + bytes);
  std::free(buffer);
  spng_ctx_free(ctx);
  return out;
}

class ImageFolderTest : public testing::Test {
 protected:
  void picture(const std::string& name, uint8_t value, uint32_t size = 4) {
    std::filesystem::create_directories(std::filesystem::path(folder_.file(name)).parent_path());
    folder_.write(name, grey_png(size, value));
  }
  std::string error(const LoadOptions& options = {}) {
    try {
      load(folder_.path(), options);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  TempFolder folder_;
};

TEST_F(ImageFolderTest, TrainValidationAndTest) {
  picture("train/dog/b.png", 20);
  picture("train/dog/a.PNG", 10);
  picture("train/cat/x.png", 30);
  folder_.write("train/cat/.hidden.png", {1, 2, 3});
  folder_.write("train/cat/notes.txt", {1, 2, 3});
  picture("val/dog/v.png", 40);
  picture("test/cat/t.png", 50);
  const Splits s = load(folder_.path());
  EXPECT_EQ(s.train.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(s.train.images.shape(), (Shape{3, 1, 4, 4}));
  const uint8_t* pixels = s.train.images.data<uint8_t>();
  EXPECT_EQ((std::vector<int>{pixels[0], pixels[16], pixels[32]}), (std::vector<int>{30, 10, 20}));
  const int64_t* labels = s.train.labels.data<int64_t>();
  EXPECT_EQ((std::vector<int64_t>(labels, labels + 3)), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(s.validation.images.data<uint8_t>()[0], 40);
  EXPECT_EQ(s.validation.labels.data<int64_t>()[0], 1);
  EXPECT_EQ(s.test.images.data<uint8_t>()[0], 50);
  EXPECT_TRUE(load_test(folder_.path()).images.same_bits(s.test.images));
}

TEST_F(ImageFolderTest, ValStandsForTest) {
  for (int i = 0; i < 10; ++i) picture("train/a/" + std::to_string(i) + ".png", 1);
  picture("train/b/0.png", 2);
  picture("val/b/0.png", 3);
  const Splits s = load(folder_.path(), {.validation = 0.3});
  EXPECT_EQ(s.train.size() + s.validation.size(), 11);
  EXPECT_GT(s.validation.size(), 0);
  EXPECT_EQ(s.test.size(), 1);
  EXPECT_EQ(s.test.labels.data<int64_t>()[0], 1);
  EXPECT_EQ(load_test(folder_.path()).class_names, s.train.class_names);
}

TEST_F(ImageFolderTest, ClassFoldersAlone) {
  for (int i = 0; i < 10; ++i) {
    picture("a/" + std::to_string(i) + ".png", static_cast<uint8_t>(i));
    picture("b/" + std::to_string(i) + ".png", static_cast<uint8_t>(100 + i));
  }
  const Splits one = load(folder_.path(), {.validation = 0, .seed = 1});
  EXPECT_EQ(one.train.size(), 16);
  EXPECT_EQ(one.test.size(), 4);
  EXPECT_TRUE(load(folder_.path(), {.seed = 2}).test.images.same_bits(one.test.images));
  EXPECT_EQ(load_test(folder_.path()).size(), 20);
}

TEST_F(ImageFolderTest, PicturesComeToOneShape) {
  picture("a/1.png", 10, 8);
  picture("b/1.png", 20, 16);
  EXPECT_NE(error().find("b/1.png': expected 8x8 pixels, found 16x16"), std::string::npos);
  EXPECT_EQ(load_test(folder_.path(), {.resize = "stretch"}).images.shape(), (Shape{2, 1, 8, 8}));
  EXPECT_EQ(load_test(folder_.path(), {.resize = "5"}).images.shape(), (Shape{2, 1, 5, 5}));
  const Dataset rgb = load_test(folder_.path(), {.sample = {3, 4, 4}, .resize = "6x6"});
  EXPECT_EQ(rgb.images.shape(), (Shape{2, 3, 4, 4}));
  EXPECT_EQ(rgb.images.data<uint8_t>()[0], 10);
  EXPECT_EQ(rgb.images.data<uint8_t>()[3 * 16], 20);
}

TEST_F(ImageFolderTest, RefusesWhatIsNoDataSet) {
  EXPECT_NE(error().find("no file 'train-images"), std::string::npos);
  std::filesystem::create_directories(folder_.file("a"));
  EXPECT_NE(error().find("expected PNG or JPEG pictures"), std::string::npos);
  folder_.write("a/broken.png", {1, 2, 3});
  EXPECT_NE(error().find("a/broken.png': expected a PNG or JPEG picture"), std::string::npos);
  folder_.write("a/broken.png", grey_png(4, 0));
  picture("test/other/x.png", 0);
  std::filesystem::create_directories(folder_.file("train/a"));
  picture("train/a/x.png", 0);
  EXPECT_NE(error().find("class 'other' has no training pictures"), std::string::npos);
}

}  // namespace
}  // namespace hone::data

// Pictures of every kind that the formats know, damaged ones, and what resizing gives.
#include "data/image.h"

#include <gtest/gtest.h>
#include <hone/error.h>
#include <spng.h>
#include <turbojpeg.h>

#include <cstdlib>

#include "data/resize.h"
#include "data/test_files.h"

namespace hone::data {
namespace {

using test::expect_error;
using test::TempFolder;

/// `bits` a sample; the samples as the file has them.
std::string png(uint32_t width, uint32_t height, uint8_t bits, uint8_t colour, const Bytes& raw,
                bool interlaced = false) {
  spng_ctx* ctx = spng_ctx_new(SPNG_CTX_ENCODER);
  spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{width, height, bits, colour, 0, 0, static_cast<uint8_t>(interlaced ? 1 : 0)};
  EXPECT_EQ(spng_set_ihdr(ctx, &header), 0);
  spng_plte palette{};
  palette.n_entries = 2;
  palette.entries[0] = {1, 2, 3, 0};
  palette.entries[1] = {201, 202, 203, 0};
  if (colour == SPNG_COLOR_TYPE_INDEXED) {
    EXPECT_EQ(spng_set_plte(ctx, &palette), 0);
  }
  EXPECT_EQ(spng_encode_image(ctx, raw.data(), raw.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
  size_t size = 0;
  int error = 0;
  void* buffer = spng_get_png_buffer(ctx, &size, &error);
  EXPECT_EQ(error, 0);
  std::string out(static_cast<const char*>(buffer), size);
  std::free(buffer);
  spng_ctx_free(ctx);
  return out;
}

std::string jpeg(int width, int height, const Bytes& rgb, int sampling) {
  tjhandle handle = tjInitCompress();
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(
      tjCompress2(handle, rgb.data(), width, 0, height, TJPF_RGB, &buffer, &size, sampling, 100, 0),
      0);
  std::string out(reinterpret_cast<const char*>(buffer), size);
  tjFree(buffer);
  tjDestroy(handle);
  return out;
}

std::vector<int> pixels(const Tensor& t) {
  return {t.data<uint8_t>(), t.data<uint8_t>() + t.elements()};
}

void expect_near(const Tensor& found, const std::vector<int>& expected, int tolerance) {
  const std::vector<int> values = pixels(found);
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_LE(std::abs(values[i] - expected[i]), tolerance) << "pixel " << i;
}

Tensor ramp(int64_t height, int64_t width) {
  Tensor out(DType::u8, {1, height, width});
  for (int64_t i = 0; i < out.elements(); ++i)
    out.data<uint8_t>()[i] = static_cast<uint8_t>(i * 37 % 256);
  return out;
}

TEST(Image, PngOfEveryKind) {
  const Tensor grey =
      decode_image(png(3, 2, 8, SPNG_COLOR_TYPE_GRAYSCALE, {0, 1, 2, 3, 4, 255}), "g");
  EXPECT_EQ(grey.type().to_string(), "u8[1,2,3]");
  EXPECT_EQ(pixels(grey), (std::vector<int>{0, 1, 2, 3, 4, 255}));

  const Tensor rgb =
      decode_image(png(2, 1, 8, SPNG_COLOR_TYPE_TRUECOLOR, {10, 20, 30, 40, 50, 60}), "rgb");
  EXPECT_EQ(rgb.type().to_string(), "u8[3,1,2]");
  EXPECT_EQ(pixels(rgb), (std::vector<int>{10, 40, 20, 50, 30, 60}));

  const Tensor clear = decode_image(
      png(2, 1, 8, SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, {10, 20, 30, 0, 40, 50, 60, 9}), "rgba");
  EXPECT_EQ(pixels(clear), pixels(rgb)) << "transparency is left out";

  const Tensor deep =
      decode_image(png(2, 1, 16, SPNG_COLOR_TYPE_GRAYSCALE, {0x80, 0xff, 0x12, 0x34}), "16 bits");
  EXPECT_EQ(deep.type().to_string(), "u8[1,1,2]");

  const Tensor bits = decode_image(png(8, 1, 1, SPNG_COLOR_TYPE_GRAYSCALE, {0b10100001}), "1 bit");
  EXPECT_EQ(pixels(bits), (std::vector<int>{255, 0, 255, 0, 0, 0, 0, 255}));

  const Tensor indexed = decode_image(png(3, 1, 8, SPNG_COLOR_TYPE_INDEXED, {1, 0, 1}), "palette");
  EXPECT_EQ(pixels(indexed), (std::vector<int>{201, 1, 201, 202, 2, 202, 203, 3, 203}));

  const Bytes many = noise(100 * 30);
  EXPECT_EQ(pixels(decode_image(png(100, 30, 8, SPNG_COLOR_TYPE_GRAYSCALE, many, true), "adam7")),
            std::vector<int>(many.begin(), many.end()));
}

TEST(Image, Jpeg) {
  Bytes rgb;
  std::vector<int> planes(3 * 16 * 16);
  for (int i = 0; i < 16 * 16; ++i)
    for (int c = 0; c < 3; ++c) {
      rgb.push_back(static_cast<uint8_t>(i % 16 < 8 ? 200 - 60 * c : 30 + 50 * c));
      planes[static_cast<size_t>(c) * 256 + static_cast<size_t>(i)] = rgb.back();
    }
  const Tensor image = decode_image(jpeg(16, 16, rgb, TJSAMP_444), "rgb");
  EXPECT_EQ(image.type().to_string(), "u8[3,16,16]");
  expect_near(image, planes, 3);
  EXPECT_EQ(decode_image(jpeg(16, 16, rgb, TJSAMP_GRAY), "grey").type().to_string(), "u8[1,16,16]");
}

TEST(Image, ReadsFilesByTheirBytesNotTheirNames) {
  const TempFolder folder;
  const std::string bytes = png(1, 1, 8, SPNG_COLOR_TYPE_GRAYSCALE, {42});
  const std::string path = folder.write("picture.jpg", Bytes(bytes.begin(), bytes.end()));
  EXPECT_EQ(pixels(read_image(path)), std::vector<int>{42});
  EXPECT_TRUE(is_image_name("a/b.PNG"));
  EXPECT_TRUE(is_image_name("b.jpeg"));
  EXPECT_FALSE(is_image_name("b.npy"));
  EXPECT_FALSE(is_image_name("png"));
}

TEST(Image, DamagedFilesAreRefused) {
  const Bytes raw = noise(64 * 64 * 3);
  const std::string picture = png(64, 64, 8, SPNG_COLOR_TYPE_TRUECOLOR, raw);
  const std::string photo = jpeg(64, 64, raw, TJSAMP_420);
  for (const std::string& whole : {picture, photo}) {
    const std::string kind = &whole == &picture ? "PNG" : "JPEG";
    for (size_t keep = 4; keep + 16 < whole.size(); keep += whole.size() / 61)
      expect_error(ErrorKind::InvalidInput, {"'cut'"},
                   [&] { decode_image(whole.substr(0, keep), "cut"); });
  }
  for (size_t at = 0; at + 12 < picture.size(); at += 101) {  // what follows is the end's mark
    std::string flipped = picture;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    expect_error(ErrorKind::InvalidInput, {"'flipped'"}, [&] { decode_image(flipped, "flipped"); });
  }
  for (size_t at = 0; at < photo.size(); at += 7) {
    std::string flipped = photo;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x55);
    try {  // a JPEG has no checksum: it may well be another picture
      EXPECT_EQ(decode_image(flipped, "flipped").shape().rank(), 3);
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("'flipped'"), std::string::npos) << e.what();
    }
  }
  expect_error(ErrorKind::InvalidInput, {"'text': expected a PNG or JPEG picture"},
               [] { decode_image("some text", "text"); });
  expect_error(ErrorKind::InvalidInput, {"'empty'"}, [] { decode_image("", "empty"); });
}

TEST(Image, NothingIsAllocatedForAnExtentThatTheFileCannotHold) {
  std::string picture = png(4, 4, 8, SPNG_COLOR_TYPE_GRAYSCALE, Bytes(16));
  const auto with_extent = [&](uint32_t width, uint32_t height) {
    std::string out = picture;
    for (size_t i = 0; i < 4; ++i) {
      out[16 + i] = static_cast<char>(width >> (24 - 8 * i));
      out[20 + i] = static_cast<char>(height >> (24 - 8 * i));
    }
    uint32_t crc = 0xffffffff;  // of the chunk's name and data
    for (size_t i = 12; i < 29; ++i) {
      crc ^= static_cast<unsigned char>(out[i]);
      for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    for (size_t i = 0; i < 4; ++i) out[29 + i] = static_cast<char>(~crc >> (24 - 8 * i));
    return out;
  };
  EXPECT_EQ(decode_image(with_extent(4, 4), "same").elements(), 16);
  expect_error(ErrorKind::Unsupported, {"'huge'", "at most 67108864 pixels", "100000 x 100000"},
               [&] { decode_image(with_extent(100000, 100000), "huge"); });
  expect_error(ErrorKind::InvalidInput, {"'wide'", "8000 x 8000 pixels do not fit"},
               [&] { decode_image(with_extent(8000, 8000), "wide"); });
}

TEST(Image, GreyAndColour) {
  Tensor rgb = Tensor::from<uint8_t>({3, 1, 3}, {255, 100, 0, 255, 50, 0, 255, 200, 255});
  EXPECT_EQ(pixels(with_channels(rgb, 1)), (std::vector<int>{255, 82, 29}));
  const Tensor grey = Tensor::from<uint8_t>({1, 1, 2}, {7, 9});
  EXPECT_EQ(pixels(with_channels(grey, 3)), (std::vector<int>{7, 9, 7, 9, 7, 9}));
  EXPECT_EQ(pixels(with_channels(grey, 1)), pixels(grey));
  expect_error(ErrorKind::InvalidInput, {"1 or 3 channels", "found 4"},
               [&] { with_channels(grey, 4); });
}

// The numbers are Pillow's (Image.resize with BILINEAR), which rounds once more between the passes.
TEST(Resize, AgreesWithPillow) {
  expect_near(resize_image(ramp(5, 7), 3, 4),
              {20, 78, 146, 204, 25, 83, 151, 209, 30, 88, 156, 214}, 1);
  expect_near(resize_image(ramp(5, 7), 2, 7),
              {3, 40, 77, 114, 151, 188, 225, 9, 46, 83, 120, 157, 194, 231}, 1);
  expect_near(resize_image(ramp(5, 7), 9, 5),
              {12, 58, 111, 164, 210, 13, 59, 112, 165, 211, 15, 61, 114, 167, 213,
               16, 62, 115, 168, 214, 18, 64, 117, 170, 216, 20, 66, 119, 172, 218,
               21, 67, 120, 173, 219, 23, 69, 122, 175, 221, 24, 70, 123, 176, 222},
              1);
}

TEST(Resize, KeepsWhatIsEven) {
  Tensor white(DType::u8, {3, 17, 31});
  std::fill(white.data<uint8_t>(), white.data<uint8_t>() + white.elements(), uint8_t{255});
  for (const auto& [h, w] : {std::pair<int64_t, int64_t>{5, 3}, {40, 40}, {17, 1}, {1, 31}}) {
    const Tensor out = resize_image(white, h, w);
    EXPECT_EQ(out.shape(), Shape({3, h, w}));
    for (int p : pixels(out)) EXPECT_EQ(p, 255);
  }
  EXPECT_TRUE(resize_image(ramp(5, 7), 5, 7).same_bits(ramp(5, 7)));
}

TEST(Resize, CutsTheMiddleOut) {
  const Tensor image = Tensor::from<uint8_t>({1, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_EQ(pixels(centre_crop(image, 1, 2)), (std::vector<int>{5, 6}));
  EXPECT_EQ(pixels(centre_crop(image, 2, 3)), (std::vector<int>{0, 1, 2, 4, 5, 6}));
  expect_error(ErrorKind::InvalidInput, {"cannot cut 4x4 out of a picture of 3x4"},
               [&] { centre_crop(image, 4, 4); });
}

TEST(Resize, FitsToANetwork) {
  const Tensor image = ramp(20, 40);
  EXPECT_EQ(fit_image(image, Resize::parse("stretch"), 8, 8).shape(), Shape({1, 8, 8}));
  EXPECT_TRUE(fit_image(image, Resize::parse("10"), 8, 8)
                  .same_bits(centre_crop(resize_image(image, 10, 20), 8, 8)));
  EXPECT_TRUE(fit_image(image, Resize::parse("10x12"), 8, 8)
                  .same_bits(centre_crop(resize_image(image, 10, 12), 8, 8)));
  expect_error(ErrorKind::InvalidInput, {"expected 8x8 pixels, found 20x40", "--resize"},
               [&] { fit_image(image, {}, 8, 8); });
  expect_error(ErrorKind::InvalidInput, {"cannot cut 8x8 out of a picture of 7x14"},
               [&] { fit_image(image, Resize::parse("7"), 8, 8); });
  for (const char* wrong : {"", "0", "-3", "12x", "x12", "12x12x12", "big", "99999999999"})
    expect_error(ErrorKind::InvalidInput, {"resize: expected"}, [&] { Resize::parse(wrong); });
  EXPECT_EQ(Resize::parse("256").describe(224, 224), "the shorter side to 256, the middle 224x224");
}

}  // namespace
}  // namespace hone::data

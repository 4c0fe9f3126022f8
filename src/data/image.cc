// Which decoder, and the number of channels.
#include "data/image.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "base/error.h"
#include "data/image_codecs.h"
#include "io/file.h"

namespace hone::data {

using namespace std::string_view_literals;

bool is_image_name(std::string_view path) {
  std::string lower(path.substr(path.size() - std::min<size_t>(path.size(), 5)));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.ends_with(".png") || lower.ends_with(".jpg") || lower.ends_with(".jpeg");
}

Tensor decode_image(std::string_view bytes, std::string_view name) {
  try {
    if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return decode_png(bytes);
    if (bytes.starts_with("\xff\xd8\xff"sv)) return decode_jpeg(bytes);
    fail(ErrorKind::InvalidInput, "expected a PNG or JPEG picture, found other bytes");
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

Tensor read_image(const std::string& path) { return decode_image(io::read_file(path), path); }

void check_extent(int64_t width, int64_t height) {
  require(width > 0 && height > 0, "expected at least one pixel, found {} x {}", width, height);
  if (height > kMostPixels / width)
    fail(ErrorKind::Unsupported, "expected at most {} pixels, found {} x {}", kMostPixels, width,
         height);
}

Tensor planar(const unsigned char* pixels, int64_t channels, int64_t height, int64_t width) {
  Tensor out(DType::u8, {channels, height, width});
  const int64_t plane = height * width;
  uint8_t* to = out.data<uint8_t>();
  for (int64_t i = 0; i < plane; ++i)
    for (int64_t c = 0; c < channels; ++c) to[c * plane + i] = pixels[i * channels + c];
  return out;
}

Tensor with_channels(const Tensor& image, int64_t channels) {
  const Shape& shape = image.shape();
  require(channels == 1 || channels == 3, "expected 1 or 3 channels for a picture, found {}",
          channels);
  if (shape[0] == channels) return image;
  Tensor out(DType::u8, {channels, shape[1], shape[2]});
  const int64_t plane = shape[1] * shape[2];
  const uint8_t* in = image.data<uint8_t>();
  uint8_t* to = out.data<uint8_t>();
  if (channels == 3) {
    for (int64_t c = 0; c < 3; ++c) std::memcpy(to + c * plane, in, static_cast<size_t>(plane));
    return out;
  }
  // In 16-bit fixed point, whose factors add up to one: white stays white.
  for (int64_t i = 0; i < plane; ++i)
    to[i] = static_cast<uint8_t>(
        (19595 * in[i] + 38470 * in[plane + i] + 7471 * in[2 * plane + i] + 0x8000) >> 16);
  return out;
}

}  // namespace hone::data

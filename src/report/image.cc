// PNG by hand: a signature and three chunks, with zlib for the deflate stream and the checksums.
#include "report/image.h"

#include <zlib.h>

#include "base/error.h"

namespace hone::report {
namespace {

using namespace std::string_view_literals;

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

const Bytef* zlib_bytes(std::string_view s) { return reinterpret_cast<const Bytef*>(s.data()); }

std::string chunk(std::string_view type, std::string_view data) {
  std::string body(type);
  body += data;
  const uLong crc = crc32(0, zlib_bytes(body), static_cast<uInt>(body.size()));
  return big_endian(static_cast<uint32_t>(data.size())) + body +
         big_endian(static_cast<uint32_t>(crc));
}

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  const int status = compress2(reinterpret_cast<Bytef*>(out.data()), &size, zlib_bytes(bytes),
                               bytes.size(), Z_BEST_COMPRESSION);
  invariant(status == Z_OK, "zlib failed with status {}", status);
  out.resize(size);
  return out;
}

}  // namespace

std::string png(const Tensor& pixels) {
  const Shape& shape = pixels.shape();
  const int rank = shape.rank();
  const int64_t channels = rank == 3 ? shape[0] : 1;
  const bool is_image = pixels.dtype() == DType::u8 && (rank == 2 || rank == 3) &&
                        (channels == 1 || channels == 3) && pixels.elements() > 0 &&
                        pixels.elements() < (int64_t{1} << 30);
  require(is_image, "picture: expected u8 pixels [H,W], [1,H,W] or [3,H,W], found {}",
          pixels.type());
  const int64_t height = shape[rank - 2];
  const int64_t width = shape[rank - 1];
  const uint8_t* in = pixels.data<uint8_t>();
  // Each row begins with its filter (none), and pixels are interleaved.
  std::string rows;
  for (int64_t y = 0; y < height; ++y) {
    rows += '\0';
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < channels; ++c)
        rows += static_cast<char>(in[(c * height + y) * width + x]);
  }
  std::string header =
      big_endian(static_cast<uint32_t>(width)) + big_endian(static_cast<uint32_t>(height));
  const char colour = channels == 3 ? 2 : 0;
  header += {8, colour, 0, 0, 0};  // bits, colour, then the only methods that exist
  return std::string("\x89PNG\r\n\x1a\n"sv) + chunk("IHDR", header) +
         chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string png_data_uri(const Tensor& pixels) {
  return "data:image/png;base64," + base64(png(pixels));
}

}  // namespace hone::report

// PNG through libspng, which checks every chunk and checksum.
#include <spng.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "data/image_codecs.h"

namespace hone::data {
namespace {

// No stream of deflate grows by more: a file cannot hold a picture that needs it to.
constexpr size_t kMostInflation = 1032;
// Text, profiles and the like are read over, not kept.
constexpr size_t kMostChunkBytes = size_t{1} << 24;

void check(int status) { require(status == 0, "damaged PNG: {}", spng_strerror(status)); }

}  // namespace

Tensor decode_png(std::string_view bytes) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> png(spng_ctx_new(0), spng_ctx_free);
  if (png == nullptr) throw std::bad_alloc();
  check(spng_set_chunk_limits(png.get(), kMostChunkBytes, kMostChunkBytes));
  check(spng_set_png_buffer(png.get(), bytes.data(), bytes.size()));
  spng_ihdr header{};
  check(spng_get_ihdr(png.get(), &header));
  check_extent(header.width, header.height);
  size_t raw = 0;
  check(spng_decoded_image_size(png.get(), SPNG_FMT_RAW, &raw));
  require(raw / kMostInflation <= bytes.size(), "truncated PNG: {} x {} pixels do not fit {} bytes",
          header.width, header.height, bytes.size());

  const bool grey = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                    header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
  // Grey comes from RGB: of the formats that the library gives, it takes every kind of file.
  size_t size = 0;
  check(spng_decoded_image_size(png.get(), SPNG_FMT_RGB8, &size));
  std::vector<unsigned char> pixels(size);
  check(spng_decode_image(png.get(), pixels.data(), size, SPNG_FMT_RGB8, 0));
  const Tensor rgb = planar(pixels.data(), 3, header.height, header.width);
  return grey ? rgb.rows(0, 1) : rgb;
}

}  // namespace hone::data

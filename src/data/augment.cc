// Padding and cropping is a shift by up to the padding; mirroring reverses rows.
#include "data/augment.h"

#include <algorithm>
#include <cstring>

namespace hone::data {
namespace {

template <class E>
void change_rows(const Change& change, const Shape& shape, const E* from, E* to) {
  const int64_t height = shape[2], width = shape[3];
  const int64_t first = std::clamp<int64_t>(change.right, 0, width);
  const int64_t last = std::clamp<int64_t>(width + change.right, 0, width);
  for (int64_t row = 0; row < shape[1] * height; ++row, to += width) {
    const int64_t y = row % height - change.down;
    std::fill_n(to, width, E{});
    if (y >= 0 && y < height && first < last)
      std::copy_n(from + (row - change.down) * width + first - change.right, last - first,
                  to + first);
    if (change.mirror) std::reverse(to, to + width);
  }
}

}  // namespace

Change draw_change(const Augment& augment, uint64_t seed, int64_t epoch, int64_t index) {
  const uint64_t key = mix(mix(seed, static_cast<uint64_t>(epoch)), key_of("augment"));
  const Philox bits = philox(key, static_cast<uint64_t>(index), 0);
  const auto shift = [&](uint32_t word) {
    const uint64_t places = static_cast<uint64_t>(2 * augment.crop_pad + 1);
    return static_cast<int64_t>((word * places) >> 32) - augment.crop_pad;
  };
  return {shift(bits.v[0]), shift(bits.v[1]), augment.flip && (bits.v[2] & 1) != 0};
}

void change_image(const Change& change, const Shape& shape, int64_t element, const std::byte* from,
                  std::byte* to) {
  if (element == 1)
    change_rows(change, shape, reinterpret_cast<const uint8_t*>(from),
                reinterpret_cast<uint8_t*>(to));
  else
    change_rows(change, shape, reinterpret_cast<const float*>(from), reinterpret_cast<float*>(to));
}

}  // namespace hone::data

// Random changes to one image.
#pragma once

#include <hone/data.h>

#include "base/rng.h"

namespace hone::data {

/// What happens to one image: a shift (positive: its content moves down and right), then a mirror.
struct Change {
  int64_t down = 0, right = 0;
  bool mirror = false;
};

/// The change of sample `index` in `epoch`: a pure function of its arguments.
Change draw_change(const Augment& augment, uint64_t seed, int64_t epoch, int64_t index);

/// Writes the changed image; what is shifted in is zero. `shape` is [count, C, H, W], `element` the
/// bytes of one element.
void change_image(const Change& change, const Shape& shape, int64_t element, const std::byte* from,
                  std::byte* to);

}  // namespace hone::data

// For the tests: small images of a few classes that a small network can tell apart.
#pragma once

#include <hone/data.h>

#include <string>

#include "base/rng.h"

namespace hone::train {

/// `count` u8 images [1, 8, 8]: noise, with a bright bar whose place is the class.
inline data::Dataset synthetic_images(int64_t count, uint64_t seed = 0) {
  constexpr int64_t kSide = 8;
  data::Dataset out;
  out.name = "synthetic";
  out.class_names = {"left", "middle", "right"};
  out.images = Tensor(DType::u8, {count, 1, kSide, kSide});
  out.labels = Tensor(DType::i64, {count});
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<uint64_t>(i);
    const auto label = static_cast<int64_t>(philox(seed, 1, at).v[0] % 3);
    out.labels.data<int64_t>()[i] = label;
    for (int64_t p = 0; p < kSide * kSide; ++p) {
      const uint32_t noise = philox(seed, static_cast<uint64_t>(p) + 2, at).v[0] % 120;
      const bool bar = p % kSide / 3 == label;
      out.images.data<uint8_t>()[i * kSide * kSide + p] =
          static_cast<uint8_t>(noise + (bar ? 60 : 0));
    }
  }
  return out;
}

}  // namespace hone::train

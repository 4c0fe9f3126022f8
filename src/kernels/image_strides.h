// For scalar references in either layout: where an element of an image lies.
#pragma once

#include "ir/infer.h"
#include "kernels/reference.h"

namespace hone::kernels {

/// Element strides by what an axis means, not by where it lies.
struct ImageStrides {
  int64_t n, c, h, w;

  ImageStrides(const Shape& shape, const ir::Layout& at) {
    const std::vector<int64_t> s = shape.strides();
    const auto stride = [&](int axis) { return s[static_cast<size_t>(axis)]; };
    n = stride(at.n);
    c = stride(at.c);
    h = stride(at.h);
    w = stride(at.w);
  }
  HONE_INLINE int64_t at(int64_t in, int64_t ic, int64_t ih, int64_t iw) const {
    return in * n + ic * c + ih * h + iw * w;
  }
};

}  // namespace hone::kernels

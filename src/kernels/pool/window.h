// Where one pooling window lies.
#pragma once

#include <algorithm>

#include "ir/infer.h"
#include "kernels/reference.h"

namespace hone::kernels {

/// The places of an output's window that lie inside the input: from h0, each step_h, below h1, and
/// so across.
struct PoolWindow {
  int64_t h0, h1, w0, w1, step_h, step_w;

  HONE_INLINE PoolWindow(const ir::PoolDims& d, int64_t oh, int64_t ow)
      : h0(first(oh * d.stride_h - d.pad_top, d.dilation_h)),
        h1(std::min(d.h, oh * d.stride_h - d.pad_top + (d.kh - 1) * d.dilation_h + 1)),
        w0(first(ow * d.stride_w - d.pad_left, d.dilation_w)),
        w1(std::min(d.w, ow * d.stride_w - d.pad_left + (d.kw - 1) * d.dilation_w + 1)),
        step_h(d.dilation_h),
        step_w(d.dilation_w) {}

  /// True if it lies wholly in padding.
  HONE_INLINE bool empty() const { return h0 >= h1 || w0 >= w1; }
  /// By how much an average divides, unless the window is empty.
  HONE_INLINE int64_t count(const ir::PoolDims& d, bool count_pad) const {
    if (count_pad) return d.kh * d.kw;
    return ((h1 - h0 - 1) / step_h + 1) * ((w1 - w0 - 1) / step_w + 1);
  }

 private:
  HONE_INLINE static int64_t first(int64_t start, int64_t step) {
    return start >= 0 ? start : start + (-start + step - 1) / step * step;
  }
};

}  // namespace hone::kernels

// Where one pooling window lies.
#pragma once

#include <algorithm>

#include "ir/infer.h"

namespace hone::kernels {

/// The places of an output's window that lie inside the input: never none (ir::pool_dims).
struct PoolWindow {
  int64_t h0, h1, w0, w1;

  [[gnu::always_inline]] inline PoolWindow(const ir::PoolDims& d, int64_t oh, int64_t ow)
      : h0(std::max<int64_t>(0, oh * d.stride_h - d.pad_top)),
        h1(std::min(d.h, oh * d.stride_h - d.pad_top + d.kh)),
        w0(std::max<int64_t>(0, ow * d.stride_w - d.pad_left)),
        w1(std::min(d.w, ow * d.stride_w - d.pad_left + d.kw)) {}

  /// By how much an average divides.
  [[gnu::always_inline]] inline int64_t count(const ir::PoolDims& d, bool count_pad) const {
    return count_pad ? d.kh * d.kw : (h1 - h0) * (w1 - w0);
  }
};

}  // namespace hone::kernels

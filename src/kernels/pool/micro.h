// The loops of pooling in nhwc, for each ISA level, vectorised over channels.
#pragma once

#include "base/cpu.h"
#include "ir/infer.h"

namespace hone::kernels {

/// A part of a pooling op: the forward ops take lines of the output, counted through all samples;
/// the gradients take whole samples, as windows may overlap. Both take a range of channels.
struct PoolPart {
  const ir::PoolDims& dims;
  bool count_pad;
  bool disjoint;       ///< no two windows share a place
  const std::byte* x;  ///< max_pool2d, max_pool2d_grad and avg_pool2d
  const float* dy;     ///< the gradients
  std::byte* result;   ///< y, or dL/dx

  /// But for bytes, they are floats.
  const float* floats() const { return reinterpret_cast<const float*>(x); }
  float* result_floats() const { return reinterpret_cast<float*>(result); }
  int64_t begin, end;  ///< of lines or samples
  int64_t channel, channel_end;
};

struct PoolFns {
  int64_t lanes;  ///< floats in a vector
  void (*max)(const PoolPart&);
  void (*max_u8)(const PoolPart&);
  void (*max_i8)(const PoolPart&);
  void (*max_grad)(const PoolPart&);
  void (*average)(const PoolPart&);
  void (*average_grad)(const PoolPart&);
};

/// The functions of a level, avx2 or higher.
const PoolFns& pool_fns(Isa isa);

}  // namespace hone::kernels

// How an operand is read when it is broadcast to a larger shape, as in NumPy.
#pragma once

#include <hone/tensor.h>

#include <vector>

namespace hone::kernels {

/// For each axis of `to`, how far the place in a dense operand of shape `from` moves along it: 0
/// where the operand is repeated.
inline std::vector<int64_t> broadcast_strides(const Shape& from, const Shape& to) {
  const std::vector<int64_t> dense = from.strides();
  std::vector<int64_t> strides(static_cast<size_t>(to.rank()), 0);
  const size_t missing = strides.size() - dense.size();
  for (size_t axis = 0; axis < dense.size(); ++axis)
    if (from[static_cast<int>(axis)] != 1) strides[axis + missing] = dense[axis];
  return strides;
}

}  // namespace hone::kernels

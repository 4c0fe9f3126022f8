// A nest of loops over memory: how reductions and movements number the elements they touch.
#pragma once

#include <hone/tensor.h>

#include <cstdint>
#include <vector>

namespace hone::kernels {

/// Loops of extents `dims`, slowest first; one step of loop i moves `strides[i]` elements.
struct Strided {
  std::vector<int64_t> dims, strides;

  void push(int64_t dim, int64_t stride) {
    dims.push_back(dim);
    strides.push_back(stride);
  }
  /// How many iterations the nest has; 1 without loops.
  int64_t count() const {
    int64_t n = 1;
    for (int64_t d : dims) n *= d;
    return n;
  }
  /// Where iteration `index` lies.
  int64_t offset(int64_t index) const {
    int64_t at = 0;
    for (size_t i = dims.size(); i-- > 1;) {
      at += index % dims[i] * strides[i];
      index /= dims[i];
    }
    return dims.empty() ? 0 : at + index * strides[0];
  }
  /// The same iterations in as few loops as possible, and at least one.
  Strided merged() const {
    Strided out;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == 1) continue;
      if (!out.dims.empty() && out.strides.back() == dims[i] * strides[i]) {
        out.dims.back() *= dims[i];
        out.strides.back() = strides[i];
      } else {
        out.push(dims[i], strides[i]);
      }
    }
    if (out.dims.empty()) out.push(1, 0);
    return out;
  }
};

}  // namespace hone::kernels

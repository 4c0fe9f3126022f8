// Where gather reads and scatter_add writes.
#pragma once

#include <hone/tensor.h>

#include "ir/attrs.h"

namespace hone::kernels {

/// A tensor as [outer, extent, inner], of which `indices` rows of `inner` elements are taken by
/// index for each of `outer`.
struct IndexedAxis {
  int64_t outer = 1, extent, inner = 1, indices;

  IndexedAxis(const Shape& x, const Shape& index_shape, const ir::Attrs& attrs)
      : indices(index_shape.elements()) {
    const int axis = static_cast<int>(attrs.integer("axis"));
    extent = x[axis];
    for (int i = 0; i < axis; ++i) outer *= x[i];
    for (int i = axis + 1; i < x.rank(); ++i) inner *= x[i];
  }

  /// The row of the tensor that row i of the taken ones stands for, or -1 if the index is out of
  /// range.
  int64_t row(int64_t i, const int64_t* index) const {
    const int64_t wanted = index[i % indices];
    const int64_t place = wanted < 0 ? wanted + extent : wanted;
    return place < 0 || place >= extent ? -1 : i / indices * extent + place;
  }
};

}  // namespace hone::kernels

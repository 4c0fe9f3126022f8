// The one engine of the movements: copies a nest of loops over one tensor to the same nest over
// another. Transpose, broadcast, concat, slice, pad and reshape differ in their strides only.
#pragma once

#include <cstddef>

#include "kernels/movement/simd.h"
#include "kernels/pieces.h"
#include "kernels/strided.h"

namespace hone::kernels {

class StridedCopy {
 public:
  /// Loops of extents `dims` (those of the destination, slowest first), with strides in elements.
  StridedCopy(const std::vector<int64_t>& dims, const std::vector<int64_t>& from_strides,
              const std::vector<int64_t>& to_strides, int64_t element_bytes, Isa isa);

  /// True if source and destination are the same elements in the same order, without gaps; then
  /// they may also be the same memory.
  bool is_plain() const { return how_ == How::rows && rows_.extent == 1 && outer_count_ == 1; }
  void run(const std::byte* from, std::byte* to, ThreadPool& pool) const noexcept;

 private:
  struct Loop {
    int64_t extent, from, to;
  };
  /// What the innermost plane is: rows that are copied, rows that repeat one element, a transposed
  /// matrix, or elements without an order worth using.
  enum class How { rows, repeat, transpose, elements };

  template <class E>
  void plane(const E* from, E* to, int64_t rows) const;

  How how_;
  Loop rows_, cols_;  // the innermost plane; the destination is dense along cols
  Strided outer_from_, outer_to_;
  int64_t outer_count_, element_bytes_;
  const MovementFns& fns_;
};

}  // namespace hone::kernels

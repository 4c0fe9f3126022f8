// The vector code of the reductions, once for each ISA level.
#pragma once

#include "base/cpu.h"
#include "kernels/reduce/reduction.h"

namespace hone::kernels {

/// What is combined: the elements' sum, their maximum, or the sum of their squared distances from a
/// centre.
enum class Term { sum, max, square };
inline constexpr int kTerms = 3;

/// The most adjacent results that one call makes.
inline constexpr int64_t kColumns = 32;

/// Reduces elements [begin, end) of `reduced` into `cols` results that lie side by side, as their
/// elements do in `x`. `center` holds kColumns floats and is read by Term::square only.
using SegmentFn = void (*)(const Strided& reduced, const float* x, int64_t begin, int64_t end,
                           int64_t cols, const float* center, float* out);

struct ReduceFns {
  SegmentFn columns[kTerms];  ///< vectors run across the results
  SegmentFn row[kTerms];      ///< one result (cols is 1): vectors run along its elements
  /// Term::sum and Term::max: `count` results, each of `n` adjacent elements, `pitch` apart.
  void (*rows[2])(const float* x, int64_t pitch, int64_t count, int64_t n, float* out);

  /// Adds the partial sums of `cols` results over the shard tree. Partials are
  /// [segments][results]; `parts` points at the first of the columns.
  void (*tree_sum)(const Reduction&, const float* parts, int64_t cols, float* out);
  /// Merges partial moments likewise.
  void (*tree_moments)(const Reduction&, const float* means, const float* m2s, int64_t cols,
                       float* mean, float* m2);
  /// The place of the first maximum among n > 0 adjacent elements.
  int64_t (*argmax)(const float* x, int64_t n);
};

const ReduceFns& reduce_fns(Isa isa);

}  // namespace hone::kernels

// What a node reduces: which elements make each result, in which order, and how a batch is cut.
#pragma once

#include <hone/tensor.h>

#include "base/shards.h"
#include "ir/attrs.h"
#include "kernels/strided.h"

namespace hone::kernels {

/// Result k is made of the elements at `kept.offset(k) + reduced.offset(r)`, r ascending. They fall
/// into segments of consecutive r, one for each shard that is present.
class Reduction {
 public:
  /// Of reduce_sum, reduce_max or moments. Throws InvalidInput where an axis is named twice, the
  /// batch is larger than `batch`, or a sharded batch is not the slowest axis.
  Reduction(const Shape& x, const ir::Attrs& attrs);

  const Strided& kept() const { return kept_; }
  const Strided& reduced() const { return reduced_; }
  /// How many results there are.
  int64_t results() const { return kept_.count(); }
  /// How many elements make one result.
  int64_t elements() const { return reduced_.count(); }

  /// Segments hold at least one element each; there are none where `elements()` is 0.
  int64_t segments() const { return segments_; }
  int64_t begin(int64_t segment) const { return sharding_.begin(segment) * unit_; }
  int64_t end(int64_t segment) const { return sharding_.end(segment, samples_) * unit_; }

 private:
  Strided kept_, reduced_;
  Sharding sharding_;
  int64_t samples_ = 1;  // what the sharding cuts: samples, or everything as one piece
  int64_t unit_ = 0;     // elements of one sample
  int64_t segments_ = 0;
};

}  // namespace hone::kernels

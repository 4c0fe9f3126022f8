// What becomes of blocks of i32 sums: bytes, in one pass (requantise.h), or whatever a tile program
// makes of them.
#pragma once

#include <optional>
#include <string>

#include "kernels/int8/requantise.h"

namespace hone::kernels {

class SumEpilogue {
 public:
  explicit SumEpilogue(const Problem& problem);
  /// Why it cannot be run, or empty.
  static std::string refuse(const Problem& problem);

  /// False if the node has none: its sums are the result.
  explicit operator bool() const { return program_.has_value(); }
  /// Null unless it requantises the sums.
  const Requantisation* requantisation() const {
    return requantisation_ ? &*requantisation_ : nullptr;
  }
  int64_t scratch_bytes() const { return program_ ? program_->scratch_bytes() : 0; }
  /// Writes a block of the result. Rows of sums are `sums_row` apart.
  void run(const Block& block, const Call& call, const int32_t* sums, int64_t sums_row,
           std::byte* scratch) const;

 private:
  const DotFns& fns_;
  std::optional<TileProgram> program_;
  std::optional<Requantisation> requantisation_;  // the same, if it is one
};

}  // namespace hone::kernels

// The commonest epilogues of integer sums, in one pass over a block. Sums become bytes:
//
//   q = cast(round(relu((sum + bias) * factor)) + zero, u8 or i8)
//
// with an i32 bias for each column, a factor for each column or for all, and relu absent or not; or
// they are added to other bytes before (a residual connection):
//
//   cast(round(relu((q - zero) * scale + (other - other_zero) * other_scale) * factor) + zero, ..)
//
// All other epilogues run as tile programs (kernels/eltwise/tile_program.h).
#pragma once

#include <optional>

#include "kernels/blocks.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/int8/micro.h"
#include "kernels/kernel.h"

namespace hone::kernels {

class Requantisation {
 public:
  /// The epilogue of a problem's node, if it is one of these.
  static std::optional<Requantisation> of(const Problem& problem);

  /// True where tiles can write the result themselves: there is no residual, and all factors are
  /// less than one.
  bool suits_tiles(const Call& call) const;
  /// Adds some columns' bias to `init`, and writes their factors.
  void give_columns(const Call& call, Range columns, int32_t* init, float* factor) const;
  /// For tiles that write the result from (row, col) on.
  TileBytes tile_bytes(const Call& call, int64_t row, int64_t col, const float* factor) const;

  /// Writes a block of the result; false, and nothing is written, where a factor is not finite.
  bool run(const DotFns& fns, const Block& block, const Call& call, const int32_t* sums,
           int64_t sums_row) const;

 private:
  friend class RequantisationMatch;
  /// From a column on; null for no operand.
  template <class T>
  static const T* operand(const Call& call, int i, int64_t col) {
    return i < 0 ? nullptr : call.operands[static_cast<size_t>(i)].as<const T>() + col;
  }
  /// False if the magnitude of any of some columns' factors is greater, or one is NaN.
  bool factors_within(const Call& call, Range columns, float most) const;
  /// No byte is less.
  int32_t least() const { return relu_ ? zero_ : is_signed_ ? INT8_MIN : 0; }

  int bias_ = -1, factor_ = -1;  // operands of the node
  float number_ = 1;             // the factor where that is no operand
  bool relu_ = false;
  int32_t zero_ = 0;
  bool is_signed_ = false;
  int other_ = -1;  // an operand, if there is a residual
  ResidualBytes residual_{};
  int64_t cols_ = 0;  // of the result
};

}  // namespace hone::kernels

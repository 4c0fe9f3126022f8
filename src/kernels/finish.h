// The commonest epilogues of a contraction, which its tiles apply while the sums are in registers:
//
//   min(max(sum + bias + other, low), high)
//
// with `bias` a value for each column and `other` one for each element, any of them absent: a bias,
// a residual connection, relu, relu6. All other epilogues run as tile programs on a block that is
// done (kernels/eltwise/tile_program.h), which costs a pass over it.
#pragma once

#include <limits>
#include <optional>

#include "kernels/kernel.h"

namespace hone::kernels {

/// Such an epilogue, for one panel of columns.
struct FinishTile {
  const float* bias;   ///< of the panel's first column, or null
  const float* other;  ///< of what the result's first element is, or null
  float low, high;
  float zero;  ///< is added to the bias: where `low` is +0, a +0, so that no sum is -0; else a -0
};

/// Which operands of a node it takes.
class Finish {
 public:
  /// The epilogue of a problem's node, if it is one of these.
  static std::optional<Finish> of(const Problem& problem);

  /// Whether it adds something to each element.
  bool has_other() const { return other_ >= 0; }

  /// For the panel that begins at `column`, and results that begin at `offset`.
  FinishTile tile(const Call& call, int64_t column, int64_t offset) const;

 private:
  bool take(const ir::Graph& body, const ir::Node& node, ir::ValueId sum);
  bool take_sum(const ir::Graph& body, ir::ValueId added);

  int bias_ = -1, other_ = -1;  // operands of the node
  float low_ = -std::numeric_limits<float>::infinity();
  float high_ = std::numeric_limits<float>::infinity();
};

}  // namespace hone::kernels

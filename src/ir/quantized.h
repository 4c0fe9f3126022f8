// Bytes that stand for real numbers: (q - zero) * scale, and back. In a graph both are elementwise
// ops; here they are recognised.
#pragma once

#include <optional>
#include <vector>

#include "ir/graph.h"

namespace hone::ir {

/// mul(sub(cast(q, f32), zero), scale), where the zero may be left out; or, of i32,
/// mul(cast(q, f32), scale).
struct Dequantized {
  ValueId q;
  ValueId zero;  ///< f32, or kNoValue
  ValueId scale;
  std::vector<ValueId> inside;  ///< the values between q and the result
};
std::optional<Dequantized> find_dequantized(const Graph& graph, ValueId v);

/// cast(min(max(add(round(div(x, scale)), zero), least), greatest), u8 or i8).
struct Quantized {
  ValueId x;
  ValueId scale;
  ValueId zero;                 ///< f32
  std::vector<ValueId> inside;  ///< the values between x and the result
};
std::optional<Quantized> find_quantized(const Graph& graph, ValueId v);

/// The least and the greatest byte of u8 or i8.
struct ByteRange {
  int low, high;
};
ByteRange byte_range(DType dtype);

}  // namespace hone::ir

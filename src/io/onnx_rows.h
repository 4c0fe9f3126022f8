// What rows of several families use. Only the importer's own files include it.
#pragma once

#include "io/onnx_axes.h"
#include "io/onnx_importer.h"

namespace hone::io {

/// The second operand of a binary op. Before opset 7 it may be placed at an `axis` of the first.
ir::Expr second_operand(OnnxImporter& in, const onnx::NodeProto& node);
/// A vector over channels, as it broadcasts over [N,C,...] of this rank.
ir::Expr per_channel(const ir::Expr& vector, int rank);
/// The mean over static axes, kept.
ir::Expr mean_over(const ir::Expr& x, const ir::Ints& axes);
/// Elements of an axis by their numbers, which lie in [0, extent).
ir::Expr pick(const ir::Expr& x, int64_t axis, const std::vector<int64_t>& indices);

}  // namespace hone::io

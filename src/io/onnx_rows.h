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
/// The maximum over the axes; of no elements, the least number of the dtype.
ir::Expr max_over(const ir::Expr& x, const ir::Ints& axes, bool keep);
/// x - max - log(sum(exp(x - max))) over the axes.
ir::Expr log_softmax(const ir::Expr& x, const ir::Ints& axes);
/// True where the index, put along a new axis, is its place there. Negative ones count from the
/// end.
ir::Expr hits(OnnxImporter& in, const ir::Expr& indices, int64_t axis, int64_t depth);
/// Gather, of anything but a shape that holds the symbolic batch.
void gather(OnnxImporter& in, const onnx::NodeProto& node);
/// Elements of an axis by their numbers, which lie in [0, extent).
ir::Expr pick(const ir::Expr& x, int64_t axis, const std::vector<int64_t>& indices);

}  // namespace hone::io

// Axes as ONNX gives them: negative ones count from the end, lists of them are an attribute in
// older opsets and the second input in newer ones.
#pragma once

#include <vector>

#include "io/onnx_importer.h"

namespace hone::io {

/// The axis as one in [0, rank); throws InvalidInput if there is none.
int64_t axis_of(int64_t axis, int rank);
/// The attribute or input "axes"; empty if there is none.
std::vector<int64_t> axes_of(OnnxImporter& in, const onnx::NodeProto& node, int rank);

}  // namespace hone::io

// From a graph to an ONNX file that any runtime runs.
//
// An inference graph, as it is before fusion and the layout pass, becomes a model of opset 17:
// inputs keep their names, the batch is the symbolic dimension "N", states are initializers,
// constants are Constant nodes. Equal models give equal bytes.
#pragma once

#include <string>

#include "io/onnx_model.h"

namespace hone::io {

/// The file's bytes. Throws Unsupported, naming the op, for what ONNX cannot say (training ops,
/// fused regions), and InvalidInput if a state has no value or one of another type.
std::string export_onnx(const OnnxModel& model);

struct OnnxSaveOptions {
  /// The elements of large states go to a file beside, the path with ".data" behind it. They always
  /// do where the model would have more than 2 GiB, which no ONNX file holds.
  bool external_data = false;
};

/// Exports and writes atomically, without a copy of the states.
void save_onnx(const std::string& path, const OnnxModel& model,
               const OnnxSaveOptions& options = {});

}  // namespace hone::io

// From a graph to an ONNX file that any runtime runs.
//
// An inference graph, as it is before fusion and the layout pass, becomes a model of opset 17, or
// of another where that is asked for: inputs keep their names, the batch is the symbolic dimension
// "N", states are initializers, constants are Constant nodes. Equal models give equal bytes.
#pragma once

#include <string>

#include "io/onnx_model.h"

namespace hone::io {

/// The opsets that can be written: those in which the ops that hone writes are written alike, but
/// for where reductions have their axes.
inline constexpr int64_t kLowestWrittenOpset = 15;
inline constexpr int64_t kHighestWrittenOpset = 23;

/// The file's bytes. Throws Unsupported, naming the op, for what ONNX cannot say (training ops,
/// fused regions), and InvalidInput if a state has no value or one of another type, or for an opset
/// that cannot be written.
std::string export_onnx(const OnnxModel& model, int64_t opset = kOnnxOpset);

struct OnnxSaveOptions {
  int64_t opset = kOnnxOpset;
  /// The elements of large states go to a file beside, the path with ".data" behind it. They always
  /// do where the model would have more than 2 GiB, which no ONNX file holds.
  bool external_data = false;
};

/// Exports and writes atomically, without a copy of the states.
void save_onnx(const std::string& path, const OnnxModel& model,
               const OnnxSaveOptions& options = {});

}  // namespace hone::io

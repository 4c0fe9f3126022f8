// Writing a model's message around its weights: they go from their tensors to the file, so that a
// model is never held twice, nor is it limited to the 2 GiB of a protocol buffer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_proto.h"

namespace hone::io {

/// What protocol buffers, and so an ONNX file, hold at most.
inline constexpr uint64_t kMostOnnxBytes = INT32_MAX;

/// A model whose initializers have all but their data, and the data, in the same order.
struct OnnxMessage {
  onnx::ModelProto proto;
  std::vector<Tensor> initializers;

  /// The size as one file.
  uint64_t bytes() const;
};

/// The bytes of the whole model.
std::string onnx_bytes(OnnxMessage message);
/// Writes the model, atomically: as one file; or, where that is asked for or it would have too many
/// bytes for one, with its large tensors in another, `path` with ".data" behind it. The two are put
/// in their places together.
void write_onnx(const std::string& path, OnnxMessage message, bool external_data = false);

}  // namespace hone::io

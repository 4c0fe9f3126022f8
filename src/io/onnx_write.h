// Writing a model's message around its weights: they go from their tensors to the file, so that a
// model is never held twice, nor is it limited to the 2 GiB of a protocol buffer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_proto.h"

namespace hone::io {

/// A model whose initializers have all but their data, and the data, in the same order.
struct OnnxMessage {
  onnx::ModelProto proto;
  std::vector<Tensor> initializers;

  /// The size as one file; protocol buffers hold at most 2 GiB.
  uint64_t bytes() const;
};

/// The bytes of the whole model.
std::string onnx_bytes(OnnxMessage message);
/// The model as one file, written atomically.
void write_onnx(const std::string& path, OnnxMessage message);
/// The model with its large tensors in another file: `path` with ".data" behind it. Both are
/// written atomically, the data first.
void write_onnx_with_data(const std::string& path, OnnxMessage message);

}  // namespace hone::io

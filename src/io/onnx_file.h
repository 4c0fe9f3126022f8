// An ONNX file, opened: its message, slim, and the contents of its tensors, wherever they lie: in
// the message, in the file behind it, or in files beside. Only the io folder includes it.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "io/byte_source.h"
#include "io/external_data.h"
#include "io/onnx_proto.h"

namespace hone::io {

class OnnxFile {
 public:
  /// Throws Io, or InvalidInput, naming the file, for what is no ONNX model.
  static OnnxFile open(const std::string& path);
  /// A file's bytes, which must stay in memory. Without a folder, no other file can be named in it.
  explicit OnnxFile(std::string_view bytes);

  const onnx::ModelProto& proto() const { return proto_; }
  /// The contents of one of its tensors. Throws InvalidInput or Unsupported, naming the tensor,
  /// where the data do not fit the shape, end before they should, or lie where they must not.
  Tensor tensor(const onnx::TensorProto& proto) const;
  /// The same of an initializer of its graph, which is read once, however often it is asked for.
  /// By one thread at a time.
  Tensor initializer(const onnx::TensorProto& proto) const;

 private:
  OnnxFile(std::unique_ptr<ByteSource> source, std::unique_ptr<ExternalData> beside);

  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<ExternalData> beside_;  ///< null where there is no folder
  onnx::ModelProto proto_;
  mutable std::map<std::string, Tensor> initializers_;  ///< those that were asked for
};

}  // namespace hone::io

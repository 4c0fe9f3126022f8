// The ONNX schema's generated classes, and what both directions share: dtypes, tensors, and the
// metadata keys under which hone keeps what ONNX has no place for. Only the io folder includes it.
#pragma once

#include <hone/tensor.h>
#include <onnx/onnx_pb.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hone::io {

inline constexpr int64_t kOnnxIrVersion = 8;
inline constexpr std::string_view kOnnxProducer = "hone";
/// The name of the symbolic batch dimension.
inline constexpr std::string_view kOnnxBatch = "N";

inline constexpr std::string_view kLabelsKey = "labels";       ///< a JSON list of strings
inline constexpr std::string_view kStatesKey = "hone.states";  ///< JSON: name -> is it trainable

int32_t onnx_dtype(DType dtype);
/// Throws Unsupported, naming ONNX's dtype, for one that hone has not.
DType dtype_from_onnx(int32_t dtype);

/// The extents that a file declares of an input or an output, those that it only names from
/// `named`; kBatch where one stays open.
std::vector<int64_t> declared_extents(const onnx::TypeProto::Tensor& type,
                                      const std::map<std::string, int64_t>& named);

/// A tensor without its data.
onnx::TensorProto header_of(const TensorType& type, std::string_view name);
onnx::TensorProto to_proto(const Tensor& tensor, std::string_view name);
/// Throws InvalidInput or Unsupported, naming the tensor, for a type that no tensor has.
TensorType type_from_proto(const onnx::TensorProto& proto);
/// What a tensor holds that has its data within itself (any: `OnnxFile::tensor`). Throws
/// InvalidInput where they do not fit the shape.
Tensor from_proto(const onnx::TensorProto& proto);

}  // namespace hone::io

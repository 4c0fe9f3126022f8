// Tensors between hone and ONNX.
#include "io/onnx_proto.h"

#include "base/dtype.h"
#include "base/error.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

struct Row {
  DType dtype;
  onnx::TensorProto::DataType proto;
};
constexpr Row kRows[] = {
    {DType::f32, onnx::TensorProto::FLOAT},    {DType::f64, onnx::TensorProto::DOUBLE},
    {DType::i32, onnx::TensorProto::INT32},    {DType::i64, onnx::TensorProto::INT64},
    {DType::u8, onnx::TensorProto::UINT8},     {DType::boolean, onnx::TensorProto::BOOL},
    {DType::i8, onnx::TensorProto::INT8},      {DType::i16, onnx::TensorProto::INT16},
    {DType::u16, onnx::TensorProto::UINT16},   {DType::u32, onnx::TensorProto::UINT32},
    {DType::u64, onnx::TensorProto::UINT64},   {DType::f16, onnx::TensorProto::FLOAT16},
    {DType::bf16, onnx::TensorProto::BFLOAT16}};
static_assert(std::size(kRows) == kDTypes);

template <class T, class Field>
Tensor from_field(const std::vector<int64_t>& dims, const Field& field) {
  std::vector<T> values;
  for (auto v : field) {
    if constexpr (is_half<T>) values.push_back({static_cast<uint16_t>(v)});  // the bits
    else values.push_back(static_cast<T>(v));
  }
  require(checked_bytes(dtype_of<T>(), dims) ==
              static_cast<int64_t>(values.size()) * size_of(dtype_of<T>()),
          "shape {} does not fit {} values", Shape(dims), values.size());
  return Tensor::from<T>(Shape(dims), values);
}

}  // namespace

int32_t onnx_dtype(DType dtype) { return kRows[static_cast<size_t>(dtype)].proto; }

DType dtype_from_onnx(int32_t dtype) {
  for (const Row& row : kRows)
    if (row.proto == dtype) return row.dtype;
  const bool known = onnx::TensorProto::DataType_IsValid(dtype);
  fail(ErrorKind::Unsupported, "dtype {} is not supported",
       known ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(dtype))
             : std::to_string(dtype));
}

std::vector<int64_t> declared_extents(const onnx::TypeProto::Tensor& type,
                                      const std::map<std::string, int64_t>& named) {
  std::vector<int64_t> out;
  for (const auto& dim : type.shape().dim()) {
    const auto known = named.find(dim.dim_param());
    if (dim.has_dim_value()) out.push_back(dim.dim_value());  // some files write an open one as -1
    else out.push_back(known == named.end() ? kBatch : known->second);
  }
  return out;
}

onnx::TensorProto header_of(const TensorType& type, std::string_view name) {
  onnx::TensorProto proto;
  proto.set_name(std::string(name));
  proto.set_data_type(onnx_dtype(type.dtype));
  for (int64_t d : type.shape.dims()) proto.add_dims(d);
  return proto;
}

onnx::TensorProto to_proto(const Tensor& tensor, std::string_view name) {
  onnx::TensorProto proto = header_of(tensor.type(), name);
  proto.set_raw_data(std::string(bytes_of(tensor)));
  return proto;
}

TensorType type_from_proto(const onnx::TensorProto& proto) {
  try {
    const std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
    const DType dtype = dtype_from_onnx(proto.data_type());
    checked_bytes(dtype, dims);
    return {dtype, Shape(dims)};
  } catch (const Error& e) {
    fail(e.kind(), "tensor '{}': {}", proto.name(), e.what());
  }
}

Tensor from_proto(const onnx::TensorProto& proto) {
  try {
    const DType dtype = dtype_from_onnx(proto.data_type());
    const std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
    if (proto.has_raw_data()) return tensor_from_bytes(dtype, dims, proto.raw_data());
    return visit(dtype, [&]<class T>(T) {
      if constexpr (std::is_same_v<T, float>) return from_field<T>(dims, proto.float_data());
      else if constexpr (std::is_same_v<T, double>) return from_field<T>(dims, proto.double_data());
      else if constexpr (std::is_same_v<T, int64_t>) return from_field<T>(dims, proto.int64_data());
      else if constexpr (std::is_same_v<T, uint64_t> || std::is_same_v<T, uint32_t>)
        return from_field<T>(dims, proto.uint64_data());
      else return from_field<T>(dims, proto.int32_data());
    });
  } catch (const Error& e) {
    fail(e.kind(), "tensor '{}': {}", proto.name(), e.what());
  }
}

}  // namespace hone::io

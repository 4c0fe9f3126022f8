// Tensors in every encoding of ONNX.
#include "io/onnx_proto.h"

#include <gtest/gtest.h>

#include "base/dtype.h"
#include "base/error.h"

namespace hone::io {
namespace {

/// `values` in the field in which ONNX keeps elements of the dtype when they are not raw bytes.
onnx::TensorProto packed(DType dtype, const Tensor& values) {
  onnx::TensorProto proto;
  proto.set_data_type(onnx_dtype(dtype));
  proto.add_dims(values.elements());
  const Tensor typed = values.cast(dtype);
  visit(dtype, [&]<class T>(T) {
    for (int64_t i = 0; i < typed.elements(); ++i) {
      const T x = typed.data<T>()[i];
      if constexpr (std::is_same_v<T, float>) proto.add_float_data(x);
      else if constexpr (std::is_same_v<T, double>) proto.add_double_data(x);
      else if constexpr (std::is_same_v<T, int64_t>) proto.add_int64_data(x);
      else if constexpr (std::is_same_v<T, uint64_t> || std::is_same_v<T, uint32_t>)
        proto.add_uint64_data(x);
      else if constexpr (is_half<T>) proto.add_int32_data(x.bits);
      else proto.add_int32_data(x);
    }
  });
  return proto;
}

TEST(OnnxProto, EveryDtypeReturnsFromBothEncodings) {
  const Tensor values = Tensor::from<float>({3}, {1, 0, 100});
  for (int i = 0; i < kDTypes; ++i) {
    const DType dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_onnx(onnx_dtype(dtype)), dtype);
    const Tensor t = values.cast(dtype);
    EXPECT_TRUE(from_proto(to_proto(t, "t")).same_bits(t)) << name_of(dtype);
    EXPECT_TRUE(from_proto(packed(dtype, values)).same_bits(t)) << name_of(dtype);
    onnx::TensorProto wrong = packed(dtype, values);
    wrong.set_dims(0, 4);
    EXPECT_THROW(from_proto(wrong), Error) << name_of(dtype);
  }
}

}  // namespace
}  // namespace hone::io

// ONNX Runtime's ops on bytes: each against the ops of ONNX that it stands for, and against
// numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/onnx_test_model.h"
#include "kernels/interpreter.h"

namespace hone::io {
namespace {

using Names = std::vector<std::string>;

Tensor bytes(Shape shape, const std::vector<double>& values, DType dtype = DType::u8) {
  return Tensor::from<double>(std::move(shape), values).cast(dtype);
}

/// A model of bytes a [2,4] and b [2,4], with scales and zero points, the result's too.
class ByteModel : public TestModel {
 public:
  ByteModel() : TestModel({2, 4}) {
    constant("a", bytes({2, 4}, {0, 1, 2, 127, 128, 130, 254, 255}));
    constant("b", bytes({2, 4}, {-128, -3, -2, -1, 0, 1, 5, 127}, DType::i8));
    constant("c", bytes({2, 4}, {9, 8, 7, 6, 5, 4, 3, 2}));
    for (const auto& [name, scale] :
         {std::pair{"a_scale", 0.5}, {"b_scale", 0.25}, {"c_scale", 2.0}, {"y_scale", 0.125}})
      constant(name, Tensor::scalar(static_cast<float>(scale)));
    constant("a_zero", bytes({}, {128}));
    constant("b_zero", bytes({}, {-1}, DType::i8));
    constant("c_zero", bytes({}, {4}));
    constant("y_zero", bytes({}, {100}));
  }
  void constant(const std::string& name, const Tensor& value) {
    *graph().add_initializer() = to_proto(value, name);
  }
  onnx::NodeProto& contrib(const std::string& type, const Names& inputs) {
    onnx::NodeProto& n = node(type, inputs, "y");
    n.set_domain("com.microsoft");
    return n;
  }
  Tensor result() const {
    const OnnxModel m = import();
    return kernels::interpret(m.graph, {{"x", Tensor(DType::f32, {2, 4})}}, m.states)
        .outputs.at("y");
  }
};

void expect_bytes(const ByteModel& m, const Tensor& expected) {
  const Tensor y = m.result();
  EXPECT_TRUE(y.same_bits(expected)) << y.type().to_string();
}

/// "a", or "a a_scale a_zero"
Names triple(const std::string& name) { return {name, name + "_scale", name + "_zero"}; }
Names joined(std::initializer_list<Names> lists) {
  Names all;
  for (const Names& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}
const Names kResult = {"y_scale", "y_zero"};

struct Case {
  std::string type, inner;
  Names operands;
  std::vector<std::pair<std::string, int64_t>> ints = {};
  bool result_first = false;
};

std::ostream& operator<<(std::ostream& os, const Case& c) { return os << c.type; }

class ContribOps : public testing::TestWithParam<Case> {};

TEST_P(ContribOps, AreTheirOpBetweenDequantisingAndQuantising) {
  const Case& c = GetParam();
  const auto finish = [&](ByteModel& m, onnx::NodeProto& n) {
    for (const auto& [name, value] : c.ints) set_int(n, name, value);
    m.constant("condition", bytes({2, 4}, {0, 1, 1, 0, 0, 1, 0, 1}).cast(DType::boolean));
  };
  ByteModel contrib, spelled;
  Names inputs, reals;
  for (const std::string& name : c.operands) {
    const bool plain = name == "condition";
    inputs = joined({inputs, plain ? Names{name} : triple(name)});
    reals.push_back(plain ? name : name + "_real");
    if (!plain) spelled.node("DequantizeLinear", triple(name), reals.back());
  }
  inputs = c.result_first ? joined({kResult, inputs}) : joined({inputs, kResult});
  finish(contrib, contrib.contrib(c.type, inputs));
  finish(spelled, spelled.node(c.inner, reals, "real"));
  spelled.node("QuantizeLinear", {"real", "y_scale", "y_zero"}, "y");
  EXPECT_EQ(contrib.ops(), spelled.ops());
  EXPECT_TRUE(contrib.result().same_bits(spelled.result()));
}

INSTANTIATE_TEST_SUITE_P(
    OnnxImport, ContribOps,
    testing::Values(Case{"QLinearAdd", "Add", {"a", "b"}}, Case{"QLinearMul", "Mul", {"a", "b"}},
                    Case{"QLinearSigmoid", "Sigmoid", {"a"}},
                    Case{"QLinearLeakyRelu", "LeakyRelu", {"b"}},
                    Case{"QLinearSoftmax", "Softmax", {"a"}, {{"axis", 0}}},
                    Case{"QLinearReduceMean", "ReduceMean", {"a"}, {{"keepdims", 0}}},
                    Case{"QLinearWhere", "Where", {"condition", "a", "b"}},
                    Case{"QLinearConcat", "Concat", {"a", "b", "c"}, {{"axis", 1}}, true}),
    [](const auto& info) { return info.param.type; });

// 0.5 (a - 128) + 0.25 (b + 1), over 0.125, ties to even, plus 100
TEST(OnnxContrib, AddsTheNumbersThatBytesStandFor) {
  ByteModel m;
  m.contrib("QLinearAdd", joined({triple("a"), triple("b"), kResult}));
  expect_bytes(m, bytes({2, 4}, {0, 0, 0, 96, 102, 112, 255, 255}));
}

// Windows of images, and the mean over all of one.
TEST(OnnxContrib, AveragesWindows) {
  ByteModel m;
  m.integers("to", {1, 2, 2, 2});
  m.node("Reshape", {"a", "to"}, "image");
  m.constant("same", Tensor::scalar(0.5F));
  onnx::NodeProto& pool =
      m.contrib("QLinearAveragePool", {"image", "a_scale", "a_zero", "same", "a_zero"});
  set_ints(pool, "kernel_shape", {1, 2});
  expect_bytes(m, bytes({1, 2, 2, 1}, {0, 64, 129, 254}));  // of 0.5, 64.5, 129, 254.5 less 128
  pool.set_op_type("QLinearGlobalAveragePool");
  pool.clear_attribute();
  expect_bytes(m, bytes({1, 2, 1, 1}, {32, 192}));  // of 32.5, 191.75
  set_int(pool, "channels_last", 1);
  EXPECT_EQ(m.error(ErrorKind::Unsupported),
            "'m': hone cannot run the model: node 'the_QLinearAveragePool' "
            "(com.microsoft.QLinearGlobalAveragePool, opset 17): channels_last is not supported");
}

// Opset 11's softmax takes all axes from `axis` on as one.
TEST(OnnxContrib, SoftmaxIsThatOfItsOwnOpset) {
  ByteModel m;
  m.integers("to", {1, 2, 4});
  m.node("Reshape", {"c", "to"}, "cube");
  onnx::NodeProto& n =
      m.contrib("QLinearSoftmax", {"cube", "c_scale", "c_zero", "small", "c_zero"});
  m.constant("small", Tensor::scalar(1.0F / 64));
  const auto total = [&] {
    const Tensor y = m.result();
    double sum = 0;
    for (int i = 0; i < 8; ++i) sum += y.data<uint8_t>()[i] - 4;
    return sum / 64;
  };
  set_int(n, "opset", 13);
  EXPECT_NEAR(total(), 2, 0.05);  // each row of its own
  set_int(n, "axis", 1);
  EXPECT_NEAR(total(), 4, 0.05);  // each column
  n.mutable_attribute(0)->set_i(11);
  EXPECT_NEAR(total(), 1, 0.05);
}

// alpha (0.5 (a - 128) x 0.25 b' + bias * 0.5 * 0.25), where b' is as bytes of a scale a column
TEST(OnnxContrib, GemmAddsIntegersToItsSums) {
  ByteModel m;
  m.constant("w", bytes({2, 4}, {1, 0, 0, 0, 0, 0, 0, -2}, DType::i8));
  m.constant("w_scale", Tensor::from<float>({2}, {0.25F, 0.5F}));
  m.constant("w_zero", bytes({2}, {0, 0}, DType::i8));
  m.constant("bias", bytes({2}, {8, -8}, DType::i32));
  onnx::NodeProto& n = m.contrib("QGemm", joined({triple("a"), triple("w"), {"bias"}}));
  set_int(n, "transB", 1);
  set_float(n, "alpha", 2);
  // rows of a: -64 ... -0.5; 0 ... 63.5
  expect_bytes(m, Tensor::from<float>({2, 2}, {-30, -3, 2, -131}));
  m.constant("one", Tensor::scalar(1.0F));
  n.add_input("one");
  n.add_input("y_zero");
  expect_bytes(m, bytes({2, 2}, {70, 97, 102, 0}));
}

// A layer with a constant weight is that of a QDQ file, which is also how it is saved; the sums of
// others are integers as they stand.
TEST(OnnxContrib, LayersAreBetweenDequantisingAndQuantising) {
  ByteModel m;
  m.integers("to", {1, 2, 2, 2});
  m.node("Reshape", {"a", "to"}, "image");
  m.constant("w", bytes({2, 2, 1, 1}, {1, -2, 3, 4}, DType::i8));
  m.constant("w_scale", Tensor::from<float>({2}, {0.25F, 0.5F}));
  m.constant("w_zero", bytes({2}, {0, 0}, DType::i8));
  m.constant("bias", bytes({2}, {16, -8}, DType::i32));
  m.node("QLinearConv",
         joined({{"image", "a_scale", "a_zero"}, triple("w"), {"c_scale", "y_zero", "bias"}}), "y");
  // 0.25 a - 0.5 b + 2 and 1.5 a + 2 b - 2, of a = -64, -63.5, -63, -0.5 and b = 0, 1, 63, 63.5
  expect_bytes(m, bytes({1, 2, 2, 2}, {93, 93, 77, 85, 51, 52, 115, 162}));
  EXPECT_THAT(m.ops(), testing::HasSubstr("conv2d reshape add div round"));

  ByteModel odd;
  odd.constant("w", bytes({4, 2}, {1, -2, 3, 4, 5, 6, 7, 8}, DType::i8));
  odd.node("QuantizeLinear", {"x", "a_scale", "a_zero"}, "live");
  odd.node("QLinearMatMul",
           joined({{"live", "a_scale", "a_zero", "w", "b_scale", "b_zero"}, kResult}), "y");
  EXPECT_THAT(odd.ops(), testing::HasSubstr("sub matmul cast mul round"));
}

TEST(OnnxContrib, QuantisesToMoreBitsThanItsOpset) {
  ByteModel m;
  m.constant("wide", bytes({}, {1000}, DType::i16));
  m.contrib("DequantizeLinear", triple("a")).set_output(0, "real");
  m.contrib("QuantizeLinear", {"real", "c_scale", "wide"});
  expect_bytes(m, bytes({2, 4}, {968, 968, 968, 1000, 1000, 1000, 1032, 1032}, DType::i16));
}

TEST(OnnxContrib, SaysWhatIsWrong) {
  const auto error = [](const std::string& type, const Names& inputs,
                        ErrorKind kind = ErrorKind::InvalidInput) {
    ByteModel m;
    m.constant("real_zero", Tensor::scalar(0.0F));
    m.contrib(type, inputs);
    return m.error(kind);
  };
  EXPECT_EQ(error("QLinearAdd", joined({triple("a"), kResult})),
            "'m': node 'the_QLinearAdd' (com.microsoft.QLinearAdd): expected 8 inputs, found 5");
  EXPECT_EQ(error("QLinearConcat", joined({kResult, triple("a"), {"b"}})),
            "'m': node 'the_QLinearConcat' (com.microsoft.QLinearConcat): "
            "expected 2 inputs and 3 for each part, found 6");
  EXPECT_EQ(error("QGemm", triple("a")),
            "'m': node 'the_QGemm' (com.microsoft.QGemm): expected 6 to 9 inputs, found 3");
  EXPECT_EQ(error("QLinearSigmoid", {"a", "a_scale", "b_zero", "y_scale", "y_zero"}),
            "'m': node 'the_QLinearSigmoid' (com.microsoft.QLinearSigmoid): node "
            "'DequantizeLinear' (DequantizeLinear): input 2, a zero point: expected u8, found i8");
  EXPECT_EQ(error("QLinearSigmoid", {"a", "a_scale", "a_zero", "y_scale", "real_zero"},
                  ErrorKind::Unsupported),
            "'m': hone cannot run the model: node 'the_QLinearSigmoid/QuantizeLinear' "
            "(QuantizeLinear, opset 17): f32 is no dtype to quantise to");
  EXPECT_EQ(
      error("QLinearSigmoid", {"a", "a_scale", "a_zero", "y_scale", ""}, ErrorKind::Unsupported),
      "'m': hone cannot run the model: node 'the_QLinearSigmoid' "
      "(com.microsoft.QLinearSigmoid, opset 17): the result has no zero point");
  EXPECT_EQ(error("QLinearTan", triple("a"), ErrorKind::Unsupported),
            "'m': hone cannot run the model: node 'the_QLinearTan' "
            "(com.microsoft.QLinearTan, opset 17): hone has no such op");
}

// What lies between two bytes is cut off.
TEST(OnnxContrib, BytesAreResized) {
  ByteModel m;
  m.integers("to", {1, 1, 2, 4});
  m.node("Reshape", {"b", "to"}, "image");
  m.constant("scales", Tensor::from<float>({4}, {1, 1, 1, 2}));
  onnx::NodeProto& n = m.node("Resize", {"image", "", "scales"}, "y");
  set_string(n, "mode", "linear");
  set_string(n, "coordinate_transformation_mode", "asymmetric");
  expect_bytes(m,
               bytes({1, 1, 2, 8}, {-128, -65, -3, -2, -2, -1, -1, -1, 0, 0, 1, 3, 5, 66, 127, 127},
                     DType::i8));
}

}  // namespace
}  // namespace hone::io

// Several nodes as one in the file, and the same bits when it is read back.
#include "io/onnx_export_composites.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/onnx_export.h"
#include "io/onnx_import.h"
#include "io/onnx_test_graphs.h"
#include "ir/expr.h"
#include "ir/text.h"
#include "kernels/interpreter.h"

namespace hone::io {
namespace {

using ir::Expr;

struct Written {
  OnnxModel model{ir::Graph("g"), {}};

  Expr state(const std::string& name, Shape shape, float shift = 0) {
    const Expr out{&model.graph, add_state(model, name, shape)};
    for (int64_t i = 0; i < model.states[name].elements(); ++i)
      model.states[name].data<float>()[i] += shift;
    return out;
  }
  Expr input(Shape shape) { return ir::input(model.graph, "x", {DType::f32, std::move(shape)}); }

  /// "Conv/3 Relu/1": the nodes and how many inputs each has.
  std::string nodes() const {
    onnx::ModelProto proto;
    EXPECT_TRUE(proto.ParseFromString(export_onnx(model)));
    std::string out;
    for (const auto& node : proto.graph().node())
      out += fmt::format("{}{}/{}", out.empty() ? "" : " ", node.op_type(), node.input_size());
    return out;
  }

  void expect_same_bits() const {
    const OnnxModel back = import_onnx(export_onnx(model), "m.onnx");
    const ir::ValueId x = model.graph.find_input("x");
    const std::map<std::string, Tensor> inputs = {{"x", random_tensor("x", model.graph.shape(x))}};
    const auto before = kernels::interpret(model.graph, inputs, model.states).outputs;
    const auto after = kernels::interpret(back.graph, inputs, back.states).outputs;
    for (const auto& [name, tensor] : before)
      EXPECT_TRUE(tensor.same_bits(after.at(name))) << name << "\n" << ir::to_text(back.graph);
  }
};

Expr spread(Expr vector, int rank) {
  return rank == 4 ? ir::reshape(vector, {1, vector.shape()[0], 1, 1}) : vector;
}

Expr batch_norm(Written& w, Expr x) {
  const int64_t c = x.shape()[1];
  const auto channels = [&](const std::string& name, float shift = 0) {
    return spread(w.state(name, {c}, shift), x.rank());
  };
  const Expr factor = channels("scale") / ir::sqrt(channels("variance", 2) + 1e-3);
  return (x - channels("mean")) * factor + channels("offset");
}

TEST(OnnxComposites, AConvolutionItsBatchNormAndAClipAreThreeNodes) {
  Written w;
  const Expr x = w.input({2, 3, 5, 4});
  Expr y = ir::conv2d(x, w.state("weight", {4, 3, 3, 3}), {}, "conv");
  y = y + spread(w.state("bias", {4}), 4);
  y = ir::minimum(ir::maximum(batch_norm(w, y), 0), 6);
  w.model.graph.output("y", y.id);
  EXPECT_EQ(w.nodes(), "Conv/3 BatchNormalization/5 Constant/0 Constant/0 Clip/3");
  w.expect_same_bits();
}

TEST(OnnxComposites, AProductWithABiasAndABatchNormOfVectorsAreTwoNodes) {
  Written w;
  const Expr y = ir::matmul(w.input({2, 3}), w.state("weight", {3, 4})) + w.state("bias", {4});
  w.model.graph.output("y", batch_norm(w, y).id);
  EXPECT_EQ(w.nodes(), "Gemm/3 BatchNormalization/5");
  w.expect_same_bits();
}

TEST(OnnxComposites, WhatIsReadInBetweenIsWritten) {
  Written w;
  const Expr product = ir::matmul(w.input({2, 3}), w.state("weight", {3, 4}));
  w.model.graph.output("product", product.id);
  w.model.graph.output("y", (product + w.state("bias", {4})).id);
  EXPECT_EQ(w.nodes(), "Gemm/2 Add/2");
  w.expect_same_bits();
}

TEST(OnnxComposites, ABiasAlongAnotherAxisIsASum) {
  Written w;
  const Expr y = ir::conv2d(w.input({2, 3, 5, 4}), w.state("weight", {4, 3, 3, 3}));
  w.model.graph.output("y", (y + ir::reshape(w.state("rows", {3}), {1, 1, 3, 1})).id);
  EXPECT_EQ(w.nodes(), "Conv/2 Constant/0 Reshape/2 Add/2");
  w.expect_same_bits();
}

// As an importer makes them: 8-bit weights stay so in the file.
TEST(OnnxComposites, BytesAreQuantisedAndDequantised) {
  Written w;
  ir::Graph& g = w.model.graph;
  const Expr x = w.input({2, 3, 5, 4});
  const Expr rounded = ir::round(x / 0.02) + 10;
  const Expr bytes = ir::cast(ir::minimum(ir::maximum(rounded, 0), 255), DType::u8);
  const Expr real = (ir::cast(bytes, DType::f32) - 10) * 0.02;
  const Expr weight =
      ir::constant(g, Tensor::from<int32_t>({2, 3, 1, 1}, {1, -2, 3, -4, 5, -128}).cast(DType::i8));
  const Expr scale =
      ir::reshape(ir::constant(g, Tensor::from<float>({2}, {0.5F, 0.25F})), {2, 1, 1, 1});
  g.output("y", ir::conv2d(real, ir::cast(weight, DType::f32) * scale).id);
  EXPECT_EQ(w.nodes(),
            "Constant/0 Constant/0 QuantizeLinear/3 Constant/0 Constant/0 DequantizeLinear/3 "
            "Constant/0 Constant/0 DequantizeLinear/2 Conv/2");
  EXPECT_LT(export_onnx(w.model).size(), 2000u);
  w.expect_same_bits();
}

// A file's scales are known when it is read, and then lie along their axis.
TEST(OnnxComposites, ScalesOfChannelsAreVectors) {
  Written w;
  ir::Graph& g = w.model.graph;
  const Expr x = ir::input(g, "x", {DType::i8, {2, 3}});
  const Expr scale = ir::constant(g, Tensor::from<float>({2, 1}, {0.5F, 0.25F}));
  const Expr zero = ir::constant(g, Tensor::from<float>({2, 1}, {1, -2}));
  const Expr real = (ir::cast(x, DType::f32) - zero) * scale;
  g.output("y", real.id);
  const Expr shifted = ir::round(real / scale) + zero;
  g.output("q", ir::cast(ir::minimum(ir::maximum(shifted, -128), 127), DType::i8).id);
  EXPECT_EQ(w.nodes(),
            "Constant/0 Constant/0 DequantizeLinear/3 Constant/0 Constant/0 QuantizeLinear/3");
}

// Preprocessing of pixels looks alike, but its zero is no byte.
TEST(OnnxComposites, AZeroThatIsNoByteIsADifference) {
  for (const double zero : {127.5, 300.0, -1.0}) {
    Written w;
    const Expr pixels = ir::input(w.model.graph, "x", {DType::u8, {2, 3}});
    w.model.graph.output("y", ((ir::cast(pixels, DType::f32) - zero) * 0.02).id);
    EXPECT_EQ(w.nodes(), "Cast/1 Constant/0 Sub/2 Constant/0 Mul/2");
  }
}

// Bounds that are no byte's are no part of it.
TEST(OnnxComposites, OtherBoundsAreAClip) {
  Written w;
  const Expr rounded = ir::round(w.input({2, 3}) / 0.02) + 10;
  w.model.graph.output("y", ir::cast(ir::minimum(ir::maximum(rounded, 0), 127), DType::u8).id);
  EXPECT_THAT(w.nodes(), testing::HasSubstr("Clip/3 Cast/1"));
  w.expect_same_bits();
}

}  // namespace
}  // namespace hone::io

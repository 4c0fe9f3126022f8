// What hone exports, hone imports as the graph that it was: same nodes, same bits.
#include <gtest/gtest.h>

#include "base/test_support.h"
#include "io/file.h"
#include "io/onnx_export.h"
#include "io/onnx_import.h"
#include "io/onnx_test_graphs.h"
#include "kernels/interpreter.h"

namespace hone::io {
namespace {

using test::TempFolder;

namespace op = ir::op;
using ir::Ints;
using ir::ValueId;

OnnxModel returned(const OnnxModel& m, int64_t opset = kOnnxOpset) {
  return import_onnx(export_onnx(m, opset), "m.onnx");
}

void expect_same_results(const OnnxModel& a, const OnnxModel& b,
                         const std::map<std::string, Tensor>& inputs) {
  const auto before = kernels::interpret(a.graph, inputs, a.states).outputs;
  const auto after = kernels::interpret(b.graph, inputs, b.states).outputs;
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, tensor] : before)
    EXPECT_TRUE(tensor.same_bits(after.at(name))) << name << " " << describe(b.graph);
}

TEST(OnnxRoundTrip, ACnnReturnsAsItWas) {
  const TempFolder folder;
  const OnnxModel before = small_cnn();
  save_onnx(folder.file("m.onnx"), before);
  const OnnxModel after = load_onnx(folder.file("m.onnx"));
  EXPECT_EQ(describe(after.graph), describe(before.graph));
  EXPECT_EQ(after.graph.name(), "small_cnn");
  EXPECT_EQ(after.labels, before.labels);
  EXPECT_EQ(after.metadata, before.metadata);
  ASSERT_EQ(after.states.size(), before.states.size());
  for (const auto& [name, tensor] : before.states)
    EXPECT_TRUE(after.states.at(name).same_bits(tensor)) << name;
  save_onnx(folder.file("again.onnx"), after);
  EXPECT_EQ(describe(load_onnx(folder.file("again.onnx")).graph), describe(before.graph));
}

TEST(OnnxRoundTrip, ACnnGivesTheSameBits) {
  const OnnxModel m = small_cnn(2);
  Tensor images = random_tensor("images", {2, 3, 9, 8});
  for (int64_t i = 0; i < images.elements(); ++i) images.data<float>()[i] *= 127;
  expect_same_results(m, returned(m), {{"input", images}});
}

// One node of every op that has an ONNX op of its own, with the batch symbolic.
OnnxModel every_op(int64_t batch) {
  OnnxModel m{ir::Graph("every_op"), {}};
  ir::Graph& g = m.graph;
  const ValueId x = g.input("x", {DType::f32, {batch, 4}});
  const ValueId y = g.input("y", {DType::f32, {batch, 4}});
  const ValueId row = add_state(m, "row", {4});
  m.states["count"] = Tensor::from<int64_t>({2}, {1, 2});
  g.output("count_out", g.state("count", {DType::i64, {2}}, false));
  int serial = 0;
  const auto add = [&](const ir::OpSpec& spec, std::vector<ValueId> operands,
                       ir::Attrs attrs = {}) {
    const ValueId v = g.add(spec, std::move(operands), std::move(attrs),
                            std::string(spec.name) + "." + std::to_string(serial));
    g.output("out" + std::to_string(serial++), v);
    return v;
  };
  for (const ir::OpSpec* unary :
       {&op::neg, &op::abs, &op::exp, &op::tanh, &op::sigmoid, &op::erf, &op::cos, &op::relu})
    add(*unary, {x});
  add(op::log, {add(op::exp, {y})});
  add(op::sqrt, {add(op::abs, {y})});
  for (const ir::OpSpec* binary :
       {&op::add, &op::sub, &op::mul, &op::div, &op::max, &op::min, &op::equal})
    add(*binary, {x, row});
  add(op::select, {add(op::greater, {x, y}), x, g.constant(Tensor::scalar(3.5F), "c")});
  add(op::cast, {x}, {{"dtype", std::string("i32")}});
  add(op::cast, {x}, {{"dtype", std::string("u8")}});
  const ValueId cube = add(op::reshape, {x}, {{"shape", Ints{0, 2, 2}}});
  add(op::reshape, {cube}, {{"shape", Ints{batch, 4, 1}}});
  add(op::transpose, {cube}, {{"perm", Ints{0, 2, 1}}});
  add(op::broadcast, {row}, {{"shape", Ints{batch, 4}}});
  add(op::broadcast, {cube}, {{"shape", Ints{batch, 2, 2}}});
  add(op::broadcast, {row}, {{"shape", Ints{3, 4}}});
  const ValueId wide = add(op::concat, {x, y, x}, {{"axis", int64_t{1}}});
  add(op::slice, {wide}, {{"axis", int64_t{1}}, {"begin", int64_t{3}}, {"end", int64_t{7}}});
  add(op::pad, {cube}, {{"axis", int64_t{2}}, {"before", int64_t{1}}, {"after", int64_t{2}}});
  add(op::dim, {x}, {{"axis", int64_t{0}}});
  add(op::reduce_sum, {cube}, {{"axes", Ints{2, 1}}, {"keep", int64_t{1}}});
  add(op::reduce_sum, {cube}, {{"axes", Ints{0}}});
  add(op::reduce_sum, {x}, {{"axes", Ints{}}});
  add(op::reduce_max, {cube}, {{"axes", Ints{1}}});
  add(op::argmax, {x}, {{"axis", int64_t{1}}});
  const ValueId square = add_state(m, "square", {4, 4});
  add(op::matmul, {add(op::matmul, {x, square}), square}, {{"trans_b", int64_t{1}}});
  add(op::matmul, {square, square}, {{"trans_a", int64_t{1}}});
  return m;
}

TEST(OnnxRoundTrip, EveryOpReturnsAsItWas) {
  const OnnxModel m = every_op(kBatch);
  for (int64_t opset = kLowestWrittenOpset; opset <= kHighestWrittenOpset; ++opset)
    EXPECT_EQ(describe(returned(m, opset).graph), describe(m.graph)) << opset;
}

TEST(OnnxRoundTrip, AveragesOfADilatedWindowNeedOpset19) {
  OnnxModel m{ir::Graph("g"), {}};
  const ValueId x = m.graph.input("x", {DType::f32, {1, 2, 9, 9}});
  m.graph.output("y", m.graph.add(op::avg_pool2d, {x},
                                  {{"window", Ints{2, 2}},
                                   {"stride", Ints{1, 1}},
                                   {"pad", Ints{0, 0, 0, 0}},
                                   {"dilation", Ints{2, 3}},
                                   {"count_pad", int64_t{0}},
                                   {"layout", std::string("nchw")}},
                                  "y"));
  EXPECT_EQ(describe(returned(m, 19).graph), describe(m.graph));
  test::error_of(ErrorKind::Unsupported, [&] { export_onnx(m, 18); });
}

TEST(OnnxRoundTrip, EveryOpGivesTheSameBits) {
  const OnnxModel m = every_op(3);
  expect_same_results(m, returned(m),
                      {{"x", random_tensor("x", {3, 4})}, {"y", random_tensor("y", {3, 4})}});
}

// These become several ONNX ops, with the meaning that hone gives them.
TEST(OnnxRoundTrip, CompositesKeepTheirMeaning) {
  OnnxModel m{ir::Graph("g"), {}};
  ir::Graph& g = m.graph;
  const ValueId x = g.input("x", {DType::f32, {2, 3}});
  const ValueId label = g.input("label", {DType::i64, {4}});
  g.output("hot", g.add(op::one_hot, {label}, {{"depth", int64_t{3}}}, "hot"));
  g.output("max", g.add(op::reduce_max, {x}, {{"axes", Ints{}}}, "max"));
  expect_same_results(
      m, returned(m),
      {{"x", random_tensor("x", {2, 3})}, {"label", Tensor::from<int64_t>({4}, {2, 0, -1, 3})}});

  OnnxModel n{ir::Graph("g"), {}};
  const ValueId y = n.graph.input("y", {DType::f32, {2, 4, 3}});
  const auto moments = n.graph.append(op::moments, {y}, {{"axes", Ints{1, 2}}}, "m");
  n.graph.output("mean", n.graph.node(moments).results[0]);
  n.graph.output("m2", n.graph.node(moments).results[1]);
  const std::map<std::string, Tensor> inputs = {{"y", random_tensor("y", {2, 4, 3})}};
  const auto before = kernels::interpret(n.graph, inputs).outputs;
  const auto after = kernels::interpret(returned(n).graph, inputs).outputs;
  for (const auto& [name, tensor] : before) {
    ASSERT_EQ(tensor.shape(), after.at(name).shape());
    for (int64_t i = 0; i < tensor.elements(); ++i)
      EXPECT_NEAR(tensor.data<float>()[i], after.at(name).data<float>()[i], 1e-5) << name;
  }
}

// Sums of bytes are ConvInteger and MatMulInteger; padding that holds a value is a node of its own.
TEST(OnnxRoundTrip, SumsOfBytesGiveTheSameBits) {
  OnnxModel m{ir::Graph("g"), {}};
  ir::Graph& g = m.graph;
  const auto bytes = [&](DType dtype, Shape shape) {
    Tensor t(DType::i32, std::move(shape));
    for (int64_t i = 0; i < t.elements(); ++i)
      t.data<int32_t>()[i] = static_cast<int32_t>(i * 37 % 256) - (dtype == DType::i8 ? 128 : 0);
    return t.cast(dtype);
  };
  const Tensor image = bytes(DType::u8, {2, 3, 5, 4}), rows = bytes(DType::i8, {3, 7});
  const ValueId x = g.input("x", image.type());
  const ValueId w = g.constant(bytes(DType::i8, {4, 3, 3, 2}));
  const auto conv = [&](ir::Attrs attrs) {
    attrs.set("stride", Ints{2, 1});
    attrs.set("pad", Ints{1, 0, 2, 1});
    attrs.set("dilation", Ints{1, 2});
    attrs.set("groups", int64_t{1});
    attrs.set("layout", std::string("nchw"));
    return g.add(op::conv2d, {x, w}, std::move(attrs));
  };
  g.output("conv", conv({}));
  g.output("padded", conv({{"pad_value", int64_t{5}}}));
  const ValueId a = g.input("a", rows.type());
  const ValueId b = g.constant(bytes(DType::u8, {5, 7}));
  g.output("product", g.add(op::matmul, {a, b}, {{"trans_b", int64_t{1}}}));
  expect_same_results(m, returned(m), {{"x", image}, {"a", rows}});
}

}  // namespace
}  // namespace hone::io

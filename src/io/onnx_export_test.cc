// Export: every op has a row, and the file says what the graph says.
#include "io/onnx_export.h"

#include <gtest/gtest.h>

#include <set>

#include "base/test_support.h"
#include "io/file.h"
#include "io/onnx_emitter.h"
#include "io/onnx_import.h"
#include "io/onnx_test_graphs.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

namespace op = ir::op;

onnx::ModelProto exported(const OnnxModel& m) {
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(export_onnx(m)));
  return proto;
}

TEST(OnnxExport, EveryOpHasARow) {
  for (const ir::OpSpec* spec : ir::builtin_ops()) {
    const OnnxExportRow* row = find_export_row(*spec);
    ASSERT_NE(row, nullptr) << spec->name << " lacks a row in onnx_export_ops.cc";
    EXPECT_TRUE(row->emit != nullptr || !row->text.empty()) << spec->name;
  }
}

TEST(OnnxExport, SaysWhoMadeItAndHow) {
  const onnx::ModelProto m = exported(small_cnn());
  EXPECT_EQ(m.ir_version(), 8);
  EXPECT_EQ(m.producer_name(), "hone");
  ASSERT_EQ(m.opset_import_size(), 1);
  EXPECT_EQ(m.opset_import(0).version(), 17);
  std::map<std::string, std::string> metadata;
  for (const auto& p : m.metadata_props()) metadata[p.key()] = p.value();
  EXPECT_EQ(metadata.at("labels"), "[\"cat\",\"dog \\\"x\\\"\",\"\xc3\xa9\"]");
  EXPECT_EQ(metadata.at("data"), "made up");
}

TEST(OnnxExport, WritesTheOpsetThatIsAskedFor) {
  for (const int64_t opset : {15, 23}) {
    onnx::ModelProto m;
    ASSERT_TRUE(m.ParseFromString(export_onnx(small_cnn(), opset)));
    EXPECT_EQ(m.opset_import(0).version(), opset);
  }
  for (const int64_t opset : {14, 24})
    EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { export_onnx(small_cnn(), opset); }),
              "opset " + std::to_string(opset) + ": expected one from 15 to 23");
}

TEST(OnnxExport, NamesInputsStatesOutputsAndTheBatch) {
  const onnx::ModelProto m = exported(small_cnn());
  ASSERT_EQ(m.graph().input_size(), 1);
  EXPECT_EQ(m.graph().input(0).name(), "input");
  EXPECT_EQ(m.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(m.graph().input(0).type().tensor_type().shape().dim(3).dim_value(), 8);
  EXPECT_EQ(m.graph().initializer(0).name(), "conv1.weight");
  EXPECT_EQ(m.graph().initializer_size(), 8);
  ASSERT_EQ(m.graph().output_size(), 2);
  EXPECT_EQ(m.graph().output(0).name(), "logits");
  // ONNX Runtime refuses a model in which two nodes have one name.
  std::set<std::string> values, nodes;
  for (const auto& node : m.graph().node()) {
    for (const std::string& name : node.output()) EXPECT_TRUE(values.insert(name).second) << name;
    EXPECT_TRUE(node.name().empty() || nodes.insert(node.name()).second) << node.name();
  }
  EXPECT_TRUE(values.contains("logits"));
}

TEST(OnnxExport, GivesTheSameBytesAgain) {
  EXPECT_EQ(export_onnx(small_cnn()), export_onnx(small_cnn()));
}

TEST(OnnxExport, PutsLargeStatesIntoAFileBesideThatCanBeMapped) {
  const TempFolder folder;
  OnnxModel m{ir::Graph("g"), {}};
  m.graph.output("a.out", add_state(m, "a", {300, 2}));
  m.graph.output("b.out", add_state(m, "b", {3}));
  m.graph.output("c.out", add_state(m, "c", {2, 4000}));
  save_onnx(folder.file("m.onnx"), m, {.external_data = true});
  EXPECT_EQ(folder.files(), 2);
  onnx::ModelProto proto;
  ASSERT_TRUE(proto.ParseFromString(read_file(folder.file("m.onnx"))));
  EXPECT_LT(proto.ByteSizeLong(), 1000U);
  EXPECT_TRUE(proto.graph().initializer(1).has_raw_data());
  EXPECT_EQ(proto.graph().initializer(2).external_data(0).value(), "m.onnx.data");
  EXPECT_EQ(proto.graph().initializer(2).external_data(1).value(), "4096");
  EXPECT_EQ(read_file(folder.file("m.onnx.data")).size(), 4096U + 32'000U);
  const OnnxModel back = load_onnx(folder.file("m.onnx"));
  for (const auto& [name, value] : m.states) EXPECT_TRUE(back.states.at(name).same_bits(value));

  save_onnx(folder.file("whole.onnx"), m);
  EXPECT_EQ(read_file(folder.file("whole.onnx")), export_onnx(m));
}

TEST(OnnxExport, WithoutTheModelItsDataAreNotReplacedEither) {
  const TempFolder folder;
  OnnxModel m{ir::Graph("g"), {}};
  m.graph.output("a.out", add_state(m, "a", {300, 2}));
  std::filesystem::create_directory(folder.file("m.onnx"));
  write_file(folder.file("m.onnx.data"), "old");
  test::error_of(ErrorKind::Io,
                 [&] { save_onnx(folder.file("m.onnx"), m, {.external_data = true}); });
  EXPECT_EQ(read_file(folder.file("m.onnx.data")), "old");
  EXPECT_EQ(folder.files(), 2);
}

TEST(OnnxExport, OutputsMayBeInputsStatesOrShared) {
  OnnxModel m{ir::Graph("g"), {}};
  const auto x = m.graph.input("x", {DType::f32, {2}});
  const auto y = m.graph.add(op::neg, {x}, {}, "out");
  m.graph.output("same", x);
  m.graph.output("state", add_state(m, "s", {3}));
  m.graph.output("out", y);
  m.graph.output("again", y);
  const onnx::ModelProto p = exported(m);
  EXPECT_EQ(p.graph().output_size(), 4);
  std::set<std::string> values;
  for (const auto& node : p.graph().node()) values.insert(node.output(0));
  EXPECT_EQ(values, (std::set<std::string>{"same", "state", "out", "again"}));
}

TEST(OnnxExport, RefusesWhatOnnxCannotSay) {
  const auto error = [](ErrorKind kind, const OnnxModel& m) {
    return error_of(kind, [&] { export_onnx(m); });
  };
  OnnxModel random{ir::Graph("g"), {}};
  const auto seed = random.graph.input("seed", {DType::i64, {}});
  random.graph.output("u", random.graph.add(op::random_uniform, {seed, seed},
                                            {{"shape", ir::Ints{2}}, {"key", int64_t{1}}}, "drop"));
  EXPECT_EQ(error(ErrorKind::Unsupported, random),
            "random_uniform 'drop' cannot be written as ONNX: it belongs to training");

  OnnxModel training{ir::Graph("g"), {}};
  const auto w = add_state(training, "w", {2});
  training.graph.update(w, training.graph.add(op::neg, {w}));
  EXPECT_EQ(error(ErrorKind::InvalidInput, training),
            "graph 'g' updates states: only an inference graph can be exported");

  OnnxModel incomplete = small_cnn();
  incomplete.states["fc.bias"] = Tensor::scalar(1);
  EXPECT_EQ(error(ErrorKind::InvalidInput, incomplete),
            "state 'fc.bias': expected f32[3], found f32[]");
  incomplete.states.erase("fc.bias");
  EXPECT_EQ(error(ErrorKind::InvalidInput, incomplete), "state 'fc.bias' has no value");

  OnnxModel nhwc{ir::Graph("g"), {}};
  const auto x = nhwc.graph.input("x", {DType::f32, {1, 4, 4, 2}});
  nhwc.graph.output("y", nhwc.graph.add(op::max_pool2d, {x},
                                        {{"window", ir::Ints{2, 2}},
                                         {"stride", ir::Ints{2, 2}},
                                         {"pad", ir::Ints{0, 0, 0, 0}},
                                         {"layout", std::string("nhwc")}},
                                        "p"));
  EXPECT_EQ(error(ErrorKind::Unsupported, nhwc),
            "max_pool2d 'p' is not nchw: export the graph before the layout pass");
}

TEST(OnnxExport, SaysWhatOnnxCallsOtherwise) {
  using ir::Ints;
  OnnxModel m{ir::Graph("g"), {}};
  ir::Graph& g = m.graph;
  const auto x = g.input("x", {DType::f32, {2, 3, 4}});
  const auto y = g.input("y", {DType::f32, {2, 3, 4}});
  const auto image = g.input("image", {DType::f32, {1, 2, 3, 3}});
  const auto w = add_state(m, "w", {2, 3, 2, 2});
  g.output("product", g.add(op::matmul, {x, y}, {{"trans_b", int64_t{1}}}));
  g.output("rest", g.add(op::mod, {x, y}));
  g.output("sums", g.add(op::cumsum, {x}, {{"axis", int64_t{2}}, {"reverse", int64_t{1}}}));
  const auto top = g.append(
      op::topk, {x}, {{"axis", int64_t{1}}, {"k", int64_t{2}}, {"largest", int64_t{0}}}, "top");
  g.output("values", g.node(top).results[0]);
  g.output("places", g.node(top).results[1]);
  g.output("upscaled", g.add(op::conv2d_grad_input, {image, w},
                             {{"stride", Ints{2, 2}},
                              {"pad", Ints{0, 0, 0, 0}},
                              {"dilation", Ints{1, 1}},
                              {"groups", int64_t{1}},
                              {"layout", std::string("nchw")},
                              {"shape", Ints{1, 3, 6, 7}}}));
  const onnx::ModelProto proto = exported(m);
  std::map<std::string, onnx::NodeProto> nodes;  // by op
  for (const onnx::NodeProto& node : proto.graph().node()) nodes[node.op_type()] = node;
  const auto attribute = [&](const std::string& op, std::string_view name) {
    for (const onnx::AttributeProto& a : nodes.at(op).attribute())
      if (a.name() == name) return a;
    ADD_FAILURE() << op << " lacks " << name;
    return onnx::AttributeProto();
  };
  EXPECT_EQ(nodes.at("MatMul").input(1), nodes.at("Transpose").output(0));
  const auto perm = attribute("Transpose", "perm").ints();
  EXPECT_EQ(Ints(perm.begin(), perm.end()), (Ints{0, 2, 1}));
  EXPECT_EQ(attribute("Mod", "fmod").i(), 1);
  EXPECT_EQ(attribute("CumSum", "reverse").i(), 1);
  EXPECT_EQ(attribute("CumSum", "exclusive").i(), 0);
  EXPECT_EQ(attribute("TopK", "largest").i(), 0);
  EXPECT_EQ(nodes.at("TopK").output(1), "places");
  const auto padding = attribute("ConvTranspose", "output_padding").ints();
  EXPECT_EQ(Ints(padding.begin(), padding.end()), (Ints{0, 1}));
}

}  // namespace
}  // namespace hone::io

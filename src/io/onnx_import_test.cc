// Import: ops as other producers write them, and files that hone must refuse.
#include "io/onnx_import.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "base/test_support.h"
#include "io/onnx_emitter.h"
#include "io/onnx_export.h"
#include "io/onnx_importer.h"
#include "io/onnx_test_graphs.h"
#include "io/onnx_test_model.h"

namespace hone::io {
namespace {

using test::error_of;

namespace op = ir::op;

TEST(OnnxImport, ConvTakesAutoPadAndABias) {
  TestModel f;
  f.weight("w", {4, 1, 3, 2}).weight("b", {4});
  auto& n = f.node("Conv", {"x", "w", "b"}, "y");
  set_string(n, "auto_pad", "SAME_UPPER");
  set_ints(n, "strides", {2, 2});
  set_int(n, "group", 2);
  EXPECT_EQ(f.ops(), "conv2d reshape add ");
  EXPECT_EQ(f.output(), (Shape{kBatch, 4, 3, 3}));
  const OnnxModel m = f.import();
  EXPECT_EQ(m.graph.producer(m.graph.find_state("w")).attrs.flag("trainable"), true);
  const auto conv = std::find_if(m.graph.nodes().begin(), m.graph.nodes().end(),
                                 [](const ir::Node& node) { return node.is(op::conv2d); });
  EXPECT_EQ(conv->attrs.ints("pad"), (ir::Ints{0, 0, 1, 1}));
}

TEST(OnnxImport, GemmScalesAndAdds) {
  TestModel f({3, 4});
  f.weight("w", {5, 4}).weight("c", {5});
  auto& n = f.node("Gemm", {"x", "w", "c"}, "y");
  set_int(n, "transB", 1);
  set_float(n, "alpha", 0.5F);
  EXPECT_EQ(f.ops(), "matmul mul add ");
  EXPECT_EQ(f.output(), (Shape{3, 5}));
}

TEST(OnnxImport, BatchNormIsItsArithmeticAndItsStatisticsAreNotTrained) {
  TestModel f;
  for (const char* name : {"scale", "bias", "mean", "var"}) f.weight(name, {2});
  f.node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, "y");
  EXPECT_EQ(f.output(), (Shape{kBatch, 2, 6, 5}));
  const OnnxModel m = f.import();
  for (const auto& [name, trainable] : std::map<std::string, bool>{
           {"scale", true}, {"bias", true}, {"mean", false}, {"var", false}})
    EXPECT_EQ(m.graph.producer(m.graph.find_state(name)).attrs.flag("trainable"), trainable)
        << name;
}

TEST(OnnxImport, PoolsAndFlattenEndANetwork) {
  TestModel f;
  set_ints(f.node("MaxPool", {"x"}, "a"), "kernel_shape", {2, 2});
  f.node("GlobalAveragePool", {"a"}, "b");
  f.node("Flatten", {"b"}, "c");
  f.node("Dropout", {"c"}, "d");
  f.node("Softmax", {"d"}, "y");
  EXPECT_EQ(f.ops(), "max_pool2d avg_pool2d reshape reduce_max sub exp reduce_sum div ");
  EXPECT_EQ(f.output(), (Shape{kBatch, 2}));
}

// What torch writes for x.view(x.size(0), -1).
TEST(OnnxImport, AComputedShapeIsOneReshape) {
  TestModel f;
  f.index("zero", 0).integers("axis", {0}).integers("rest", {-1});
  f.node("Shape", {"x"}, "shape");
  f.node("Gather", {"shape", "zero"}, "n");
  f.node("Unsqueeze", {"n", "axis"}, "n1");
  set_int(f.node("Concat", {"n1", "rest"}, "to"), "axis", 0);
  f.node("Reshape", {"x", "to"}, "y");
  EXPECT_EQ(f.ops(), "reshape ");
  EXPECT_EQ(f.output(), (Shape{kBatch, 60}));
}

TEST(OnnxImport, ReshapeSolvesForTheBatchOrForAnExtent) {
  const auto reshaped = [](std::vector<int64_t> to, std::vector<int64_t> from = {kBatch, 2, 6, 5}) {
    TestModel f(std::move(from));
    f.integers("to", to);
    f.node("Reshape", {"x", "to"}, "y");
    return f;
  };
  EXPECT_EQ(reshaped({-1, 60}).output(), (Shape{kBatch, 60}));
  EXPECT_EQ(reshaped({0, -1, 5}).output(), (Shape{kBatch, 12, 5}));
  EXPECT_EQ(reshaped({3, -1}, {6, 2}).output(), (Shape{3, 4}));
  reshaped({-1, 7}).error(ErrorKind::InvalidInput);
  reshaped({0, 7, -1}).error(ErrorKind::InvalidInput);
  reshaped({-1, -1}).error(ErrorKind::InvalidInput);
  reshaped({-1, int64_t{1} << 62, 8}).error(ErrorKind::InvalidInput);
}

TEST(OnnxImport, OlderOpsetsKeepAxesInAttributes) {
  TestModel f({2, 3, 4}, 11);
  set_ints(f.node("ReduceSum", {"x"}, "a"), "axes", {-1});
  set_ints(f.node("Unsqueeze", {"a"}, "b"), "axes", {0});
  set_float(f.node("Clip", {"b"}, "y"), "max", 6);
  EXPECT_EQ(f.ops(), "reduce_sum reshape min ");
  EXPECT_EQ(f.output(), (Shape{1, 2, 3, 1}));
}

TEST(OnnxImport, ListsTheOpsThatItLacks) {
  TestModel f;
  f.node("LSTM", {"x"}, "a");
  f.node("Relu", {"a"}, "b");
  f.node("Quux", {"b"}, "c");
  f.node("Fancy", {"c"}, "y").set_domain("com.acme");
  EXPECT_EQ(f.error(ErrorKind::Unsupported),
            "'m': hone cannot run the model: "
            "node 'the_LSTM' (LSTM, opset 17): hone has no such op; "
            "node 'the_Quux' (Quux, opset 17): hone has no such op; "
            "node 'the_Fancy' (com.acme.Fancy, opset 17): hone has no such op");
}

TEST(OnnxImport, SaysWhatIsWrongWithAModel) {
  using enum ErrorKind;
  TestModel missing;
  missing.node("Add", {"x", "ghost"}, "y");
  EXPECT_EQ(missing.error(InvalidInput),
            "'m': node 'the_Add' (Add): input 'ghost' is given by nothing before it");
  TestModel lonely;
  lonely.node("Add", {"x"}, "y");
  EXPECT_EQ(lonely.error(InvalidInput), "'m': node 'the_Add' (Add): input 1 is missing");
  TestModel twice;
  twice.node("Relu", {"x"}, "y");
  twice.node("Neg", {"x"}, "y");
  EXPECT_EQ(twice.error(InvalidInput), "'m': node 'the_Neg' (Neg): value 'y' is given twice");
  TestModel types;
  types.integers("i", {1, 2, 3, 4, 5});
  types.node("Add", {"x", "i"}, "y");
  EXPECT_EQ(types.error(InvalidInput),
            "'m': node 'the_Add' (Add): add: expected operands of one dtype, found f32 and i64");
  TestModel complex;
  complex.weight("w", {2});
  complex.graph().mutable_initializer(0)->set_data_type(onnx::TensorProto::COMPLEX64);
  complex.node("Relu", {"x"}, "y");
  EXPECT_EQ(complex.error(Unsupported),
            "'m': hone cannot run the model: initializer 'w': tensor 'w': dtype COMPLEX64 is not "
            "supported");
  TestModel cut;
  cut.weight("w", {2});
  cut.graph().mutable_initializer(0)->set_raw_data("1234");
  EXPECT_EQ(cut.error(InvalidInput), "'m': tensor 'w': f32[2]: expected 8 bytes of data, found 4");
  TestModel nothing;
  EXPECT_EQ(nothing.error(InvalidInput), "'m': output 'y' is given by no node");
  EXPECT_EQ(TestModel({1}, 99).error(Unsupported),
            "'m': opset 99 is not supported: expected 6 to 23");
  TestModel open({1, kBatch});
  open.node("Relu", {"x"}, "y");
  EXPECT_EQ(open.error(Unsupported),
            "'m': hone cannot run the model: input 'x': axis 1 is symbolic: give its extent (only "
            "axis 0 may be open)");
  TestModel attribute;
  set_string(attribute.node("Flatten", {"x"}, "y"), "axis", "one");
  EXPECT_EQ(attribute.error(InvalidInput),
            "'m': node 'the_Flatten' (Flatten): attribute 'axis': expected INT, found STRING");
}

TEST(OnnxImport, RefusesWhatIsNoModel) {
  for (const std::string& bytes : {std::string(), std::string("PK\3\4 a zip file"),
                                   std::string(100, '\0'), std::string("{\"json\": 1}")})
    EXPECT_TRUE(error_of(ErrorKind::InvalidInput, [&] {
                  import_onnx(bytes, "m");
                }).ends_with("not an ONNX model"));
}

TEST(OnnxImport, ADamagedFileThrowsOrIsHarmless) {
  const std::string bytes = export_onnx(small_cnn());
  const auto attempt = [](const std::string& damaged) {
    try {
      import_onnx(damaged, "m");
    } catch (const Error& e) {
      EXPECT_NE(e.kind(), ErrorKind::Internal) << e.what();
    }
  };
  for (size_t n = 0; n < bytes.size(); n += 7) attempt(bytes.substr(0, n));
  for (uint64_t i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    const uint64_t at = uniform_below(1, i, bytes.size());
    damaged[at] = static_cast<char>(uniform_below(2, i, 256));
    attempt(damaged);
  }
}

}  // namespace
}  // namespace hone::io

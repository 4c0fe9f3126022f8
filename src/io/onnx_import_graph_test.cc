// Import: what the importer makes of a graph beyond its single nodes (shapes that are computed,
// functions, branches), and graphs that are broken.
#include <gtest/gtest.h>

#include "base/test_support.h"
#include "io/onnx_import.h"
#include "io/onnx_test_model.h"
#include "kernels/interpreter.h"

namespace hone::io {
namespace {

namespace op = ir::op;
using enum ErrorKind;

// Half of x's columns, by arithmetic on its shape.
TestModel half_of_the_columns(std::vector<int64_t> input) {
  TestModel f(std::move(input));
  f.integers("zero", {0}).integers("one", {1}).integers("two", {2});
  f.node("Shape", {"x"}, "shape");
  f.node("Gather", {"shape", "one"}, "columns");
  f.node("Div", {"columns", "two"}, "half");
  f.node("Slice", {"x", "zero", "half", "one"}, "y");
  return f;
}

TEST(OnnxImportGraph, ComputesShapesWhereInputsAreBound) {
  EXPECT_EQ(half_of_the_columns({3, 8}).ops(), "slice ");
  EXPECT_EQ(half_of_the_columns({3, 8}).output(), (Shape{3, 4}));
  const TestModel open = half_of_the_columns({kBatch, 8});
  const OnnxModel bound = open.import({.inputs = {{"x", {5, 8}}}});
  EXPECT_EQ(bound.graph.shape(bound.graph.find_output("y")), (Shape{5, 4}));
  const OnnxModel named = open.import({.dims = {{"batch_size", 6}}});
  EXPECT_EQ(test::error_of(InvalidInput,
                           [&] {
                             open.import({.dims = {{"batch", 6}}});
                           }),
            "'m': no input has an open dimension 'batch': expected 'batch_size'");
  EXPECT_EQ(named.graph.shape(named.graph.find_output("y")), (Shape{6, 4}));
  EXPECT_EQ(open.output(), (Shape{kBatch, 4})) << "the columns are known without the batch";
  const auto import_as = [&](Shape shape) {
    return test::error_of(InvalidInput, [&] { open.import({.inputs = {{"x", shape}}}); });
  };
  EXPECT_EQ(import_as({5, 9}),
            "'m': input 'x': the model declares [N,8], the shape given is [5,9]");
  EXPECT_EQ(test::error_of(InvalidInput,
                           [&] {
                             open.import({.inputs = {{"z", {1}}}});
                           }),
            "'m': the model has no input 'z', whose shape is given");
}

TEST(OnnxImportGraph, TheSymbolicBatchIsNoNumber) {
  TestModel f({kBatch, 8});
  f.integers("zero", {0}).integers("two", {2});
  f.node("Shape", {"x"}, "shape");
  f.node("Gather", {"shape", "zero"}, "rows");
  f.node("Div", {"rows", "two"}, "half");
  f.node("Slice", {"x", "zero", "half", "zero"}, "y");
  EXPECT_NE(f.error(Unsupported).find("symbolic batch"), std::string::npos);
  const OnnxModel bound = f.import({.inputs = {{"x", {6, 8}}}});
  EXPECT_EQ(bound.graph.shape(bound.graph.find_output("y")), (Shape{3, 8}));
}

TEST(OnnxImportGraph, TakesAnInputsContentsOnlyWhereAShapeDependsOnThem) {
  TestModel f({2, 6});
  auto& to = *f.graph().add_input();
  to.set_name("to");
  to.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::INT64);
  to.mutable_type()->mutable_tensor_type()->mutable_shape()->add_dim()->set_dim_value(2);
  f.node("Reshape", {"x", "to"}, "y");
  EXPECT_NE(f.error(Unsupported).find("input 'to' must be constant"), std::string::npos);
  const OnnxModel m = f.import(
      {.values = {{"to", Tensor::from<int64_t>({2}, {3, 4})}, {"x", Tensor(DType::f32, {2, 6})}}});
  EXPECT_EQ(m.graph.shape(m.graph.find_output("y")), (Shape{3, 4}));
  EXPECT_NE(m.graph.find_input("x"), ir::kNoValue);
  EXPECT_EQ(m.graph.find_input("to"), ir::kNoValue);
}

TEST(OnnxImportGraph, KeepsNoStateThatIsOnlyAShapeOrUnread) {
  TestModel f({1, 1, 2, 2});
  *f.graph().add_initializer() = to_proto(Tensor::from<float>({4}, {1, 1, 2, 2}), "scales");
  f.weight("unread", {3}).weight("w", {1});
  f.node("Resize", {"x", "", "scales"}, "r");
  f.node("Mul", {"r", "w"}, "y");
  const OnnxModel m = f.import();
  EXPECT_EQ(m.graph.shape(m.graph.find_output("y")), (Shape{1, 1, 4, 4}));
  ASSERT_EQ(m.states.size(), 1U);
  EXPECT_TRUE(m.states.contains("w"));
}

// f(a, by) = a + by * a, and g = f(f(x)); `by` comes from the call.
TEST(OnnxImportGraph, ReadsFunctionsInPlace) {
  TestModel f({3});
  onnx::FunctionProto& function = *f.model().add_functions();
  function.set_domain("here");
  function.set_name("Scaled");
  function.add_input("a");
  function.add_output("sum");
  function.add_attribute("by");
  function.add_opset_import()->set_version(17);
  onnx::NodeProto& constant = *function.add_node();
  constant.set_op_type("Constant");
  constant.add_output("factor");
  onnx::AttributeProto& refers = *constant.add_attribute();
  refers.set_name("value_float");
  refers.set_type(onnx::AttributeProto::FLOAT);
  refers.set_ref_attr_name("by");
  for (const auto& [type, inputs, output] :
       std::vector<std::tuple<std::string, std::vector<std::string>, std::string>>{
           {"Mul", {"a", "factor"}, "scaled"}, {"Add", {"a", "scaled"}, "sum"}}) {
    onnx::NodeProto& n = *function.add_node();
    n.set_name("in_" + type);
    n.set_op_type(type);
    for (const std::string& i : inputs) n.add_input(i);
    n.add_output(output);
  }
  for (const auto& [from, to, by] :
       std::vector<std::tuple<std::string, std::string, float>>{{"x", "a", 2}, {"a", "y", 0.5F}}) {
    onnx::NodeProto& call = f.node("Scaled", {from}, to);
    call.set_domain("here");
    call.set_name("call_" + to);
    set_float(call, "by", by);
  }
  const OnnxModel m = f.import();
  const auto y = kernels::interpret(m.graph, {{"x", Tensor::from<float>({3}, {1, 2, -4})}});
  EXPECT_TRUE(y.outputs.at("y").same_bits(Tensor::from<float>({3}, {4.5F, 9, -18})));
  EXPECT_EQ(f.ops(), "mul add mul add ");
  EXPECT_EQ(m.graph.producer(m.graph.find_output("y")).name, "call_y/in_Add");

  function.mutable_node(2)->set_op_type("Scaled");
  function.mutable_node(2)->set_domain("here");
  function.mutable_node(2)->mutable_input()->RemoveLast();
  EXPECT_NE(f.error(InvalidInput).find("or one calls itself"), std::string::npos);
}

TEST(OnnxImportGraph, AnIfWithAKnownConditionIsItsBranch) {
  TestModel f({3});
  Tensor truth(DType::boolean, {});
  truth.data<bool>()[0] = true;
  *f.graph().add_initializer() = to_proto(truth, "condition");
  onnx::NodeProto& n = f.node("If", {"condition"}, "y");
  for (const auto& [name, type] :
       std::map<std::string, std::string>{{"then_branch", "Neg"}, {"else_branch", "Abs"}}) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::GRAPH);
    onnx::NodeProto& inner = *a.mutable_g()->add_node();
    inner.set_op_type(type);
    inner.add_input("x");
    inner.add_output("inner");
    a.mutable_g()->add_output()->set_name("inner");
  }
  EXPECT_EQ(f.ops(), "neg ");
  f.graph().clear_initializer();
  auto& open = *f.graph().add_input();
  open.set_name("condition");
  open.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::BOOL);
  open.mutable_type()->mutable_tensor_type()->mutable_shape();
  EXPECT_NE(f.error(Unsupported).find("the condition is computed"), std::string::npos);
}

// A name in a branch is the branch's own: another branch may give it another value.
TEST(OnnxImportGraph, BranchesKeepTheirOwnInitializers) {
  TestModel f({1});
  Tensor truth(DType::boolean, {});
  truth.data<bool>()[0] = true;
  *f.graph().add_initializer() = to_proto(truth, "condition");
  for (const auto& [from, to, by] :
       std::vector<std::tuple<std::string, std::string, float>>{{"x", "a", 2}, {"a", "y", 5}}) {
    onnx::AttributeProto& branch = *f.node("If", {"condition"}, to).add_attribute();
    branch.set_name("then_branch");
    branch.set_type(onnx::AttributeProto::GRAPH);
    *branch.mutable_g()->add_initializer() = to_proto(Tensor::scalar(by), "k");
    onnx::NodeProto& inner = *branch.mutable_g()->add_node();
    inner.set_op_type("Mul");
    inner.add_input(from);
    inner.add_input("k");
    inner.add_output("inner");
    branch.mutable_g()->add_output()->set_name("inner");
  }
  const OnnxModel model = f.import();
  const Tensor x = Tensor::from<float>({1}, std::vector<float>{3});
  const auto y = kernels::interpret(model.graph, {{"x", x}}, model.states).outputs.at("y");
  EXPECT_EQ(y.data<float>()[0], 30);
}

// What cannot be read in a node's place leaves nothing behind for the nodes after it.
TEST(OnnxImportGraph, WhatAFunctionCannotBeReadForIsSaidOfEachCall) {
  TestModel f({3});
  onnx::FunctionProto& function = *f.model().add_functions();
  function.set_domain("here");
  function.set_name("Later");
  function.add_input("a");
  function.add_output("b");
  function.add_opset_import()->set_version(99);
  for (int i = 0; i < 70; ++i)
    f.node("Later", {"x"}, i == 0 ? "y" : "y" + std::to_string(i)).set_domain("here");
  const std::string error = f.error(Unsupported);
  EXPECT_NE(error.find("opset 99 is not supported"), std::string::npos) << error;
}

TEST(OnnxImportGraph, ABranchThatCannotBeReadKeepsItsNamesToItself) {
  TestModel f({1});
  Tensor truth(DType::boolean, {});
  truth.data<bool>()[0] = true;
  *f.graph().add_initializer() = to_proto(truth, "condition");
  for (const std::string output : {"a", "y"}) {
    onnx::AttributeProto& branch = *f.node("If", {"condition"}, output).add_attribute();
    branch.set_name("then_branch");
    branch.set_type(onnx::AttributeProto::GRAPH);
    *branch.mutable_g()->add_initializer() = to_proto(Tensor::scalar(1), "k");
    onnx::TensorProto& text = *branch.mutable_g()->add_initializer();
    text.set_name("text");
    text.set_data_type(onnx::TensorProto::STRING);
    branch.mutable_g()->add_output()->set_name("k");
  }
  const std::string error = f.error(Unsupported);
  EXPECT_EQ(error.find("given twice"), std::string::npos) << error;
}

TEST(OnnxImportGraph, SaysWhatIsBroken) {
  TestModel cycle({3});
  cycle.node("Add", {"x", "b"}, "a");
  cycle.node("Neg", {"a"}, "b").set_name("back");
  cycle.node("Neg", {"b"}, "y");
  EXPECT_EQ(cycle.error(InvalidInput),
            "'m': node 'the_Add' (Add): input 'b' is given by node 'back' behind it: the nodes are "
            "out of order or a cycle");
  TestModel twice({3});
  twice.weight("w", {3}).weight("w", {3});
  twice.node("Neg", {"x"}, "y");
  EXPECT_EQ(twice.error(InvalidInput), "'m': value 'w' is given twice");
  TestModel negative({3, -2});
  negative.node("Neg", {"x"}, "y");
  EXPECT_EQ(negative.error(InvalidInput), "'m': input 'x': extent -2 is negative");
  TestModel huge({int64_t{1} << 40, int64_t{1} << 40});
  huge.node("Neg", {"x"}, "y");
  EXPECT_NE(huge.error(InvalidInput).find("too large"), std::string::npos);
  TestModel grown({1});
  grown.integers("to", {int64_t{1} << 30, int64_t{1} << 30});
  grown.node("Expand", {"x", "to"}, "y");
  EXPECT_NE(grown.error(InvalidInput).find("node 'the_Expand'"), std::string::npos);
  TestModel deep(std::vector<int64_t>(33, 1));
  deep.node("Neg", {"x"}, "y");
  EXPECT_EQ(deep.error(InvalidInput),
            "'m': node 'the_Neg' (Neg): a result has 33 dimensions, 32 are the most");
  TestModel initializer({3});
  initializer.weight("w", {3});
  initializer.graph().mutable_initializer(0)->set_dims(0, -3);
  initializer.node("Add", {"x", "w"}, "y");
  EXPECT_NE(initializer.error(InvalidInput).find("'w'"), std::string::npos);
}

TEST(OnnxImportGraph, RefusesFieldsThatItDoesNotKnow) {
  TestModel f({3});
  onnx::NodeProto& n = f.node("Neg", {"x"}, "y");
  n.GetReflection()->MutableUnknownFields(&n)->AddLengthDelimited(9, "a note");
  EXPECT_EQ(f.ops(), "neg ");
  n.GetReflection()->MutableUnknownFields(&n)->AddVarint(77, 1);
  EXPECT_EQ(f.error(Unsupported),
            "'m': field 77 of a NodeProto is not known: the file is of a newer schema");
}

TEST(OnnxImportGraph, TheListOfWhatIsUnsupportedIsBounded) {
  TestModel f({3});
  for (int i = 0; i < 500; ++i) f.node("Quux", {"x"}, "q" + std::to_string(i));
  f.node("Neg", {"q0"}, "y");
  const std::string line = f.error(Unsupported);
  EXPECT_LT(line.size(), 1500U);
  EXPECT_NE(line.find(" more"), std::string::npos);
  EXPECT_EQ(line.find("Neg"), std::string::npos) << "what reads an unsupported node is passed over";
}

// The same numbers as a loop over a volume gives.
TEST(OnnxImportGraph, ConvolvesVolumes) {
  TestModel f({1, 2, 4, 3, 3});
  f.weight("w", {2, 1, 2, 2, 1});
  auto& n = f.node("Conv", {"x", "w"}, "y");
  set_int(n, "group", 2);
  set_ints(n, "strides", {2, 1, 1});
  set_ints(n, "pads", {1, 0, 0, 0, 0, 1});
  const OnnxModel m = f.import();
  const Tensor x = random_tensor("x", {1, 2, 4, 3, 3});
  const Tensor y = kernels::interpret(m.graph, {{"x", x}}, m.states).outputs.at("y");
  ASSERT_EQ(y.shape(), (Shape{1, 2, 2, 2, 4}));
  const Tensor& w = m.states.at("w");
  int64_t at = 0;
  for (int c = 0; c < 2; ++c)
    for (int d = 0; d < 2; ++d)
      for (int h = 0; h < 2; ++h)
        for (int v = 0; v < 4; ++v, ++at) {
          double sum = 0;
          for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 2; ++j) {
              const int z = 2 * d + i - 1;
              if (z < 0 || z >= 4 || v >= 3) continue;
              sum += double{x.data<float>()[((c * 4 + z) * 3 + h + j) * 3 + v]} *
                     w.data<float>()[(c * 2 + i) * 2 + j];
            }
          EXPECT_NEAR(y.data<float>()[at], sum, 1e-6);
        }
}

}  // namespace
}  // namespace hone::io

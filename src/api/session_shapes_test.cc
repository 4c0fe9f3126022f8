// Sessions of models that compute with their shapes: what stays open until a call, for each shape
// anew, over the same weights.
#include <gtest/gtest.h>
#include <hone/session.h>
#include <onnx/onnx_pb.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/test_support.h"
#include "io/file.h"

namespace hone {
namespace {

using test::error_of;
using test::TempFolder;

onnx::NodeProto& node(onnx::GraphProto& g, const std::string& op, std::vector<std::string> inputs,
                      const std::string& output) {
  onnx::NodeProto& n = *g.add_node();
  n.set_op_type(op);
  n.set_name(output);
  for (const std::string& i : inputs) n.add_input(i);
  n.add_output(output);
  return n;
}

void declare(onnx::ValueInfoProto& info, const std::string& name,
             const std::vector<std::string>& dims) {
  info.set_name(name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const std::string& d : dims) type.mutable_shape()->add_dim()->set_dim_param(d);
}

void integers(onnx::GraphProto& g, const std::string& name, const std::vector<int64_t>& values) {
  onnx::TensorProto& t = *g.add_initializer();
  t.set_name(name);
  t.set_data_type(onnx::TensorProto::INT64);
  t.add_dims(static_cast<int64_t>(values.size()));
  for (int64_t v : values) t.add_int64_data(v);
}

// y = x of [n, m] with its rows in one, through Shape, Gather, Mul and Reshape: [n * m].
onnx::ModelProto flattening(const std::string& last = "Relu") {
  onnx::ModelProto m;
  m.set_ir_version(8);
  m.add_opset_import()->set_version(17);
  onnx::GraphProto& g = *m.mutable_graph();
  g.set_name("flattening");
  declare(*g.add_input(), "x", {"n", "m"});
  declare(*g.add_output(), "y", {"all"});
  integers(g, "zero", {0});
  integers(g, "one", {1});
  node(g, "Shape", {"x"}, "shape");
  node(g, "Gather", {"shape", "zero"}, "rows");
  node(g, "Gather", {"shape", "one"}, "columns");
  node(g, "Mul", {"rows", "columns"}, "all");
  node(g, "Reshape", {"x", "all"}, "flat");
  node(g, last, {"flat"}, "y");
  return m;
}

class ShapesTest : public testing::Test {
 protected:
  Session load(const onnx::ModelProto& m, const SessionOptions& options = {}) {
    io::write_file(path_, m.SerializeAsString());
    return hone::load(path_, options);
  }

  TempFolder folder_;
  std::string path_ = folder_.file("m.onnx");
};

Tensor counting(const Shape& shape) {
  Tensor x(DType::f32, shape);
  std::iota(x.data<float>(), x.data<float>() + x.elements(), 0.0F);
  return x;
}

TEST_F(ShapesTest, AreImportedAsTheyCome) {
  const Session session = load(flattening());
  EXPECT_EQ(session.name(), "flattening");
  ASSERT_EQ(session.inputs().size(), 1u);
  EXPECT_EQ(session.inputs()[0].type, (TensorType{DType::f32, {kBatch, kBatch}}));
  for (const Shape& shape : {Shape{2, 3}, Shape{4, 1}, Shape{2, 3}}) {
    const Tensor x = counting(shape);
    EXPECT_TRUE(session.run({{"x", x}}).at("y").same_bits(x.reshaped({shape[0] * shape[1]})));
  }
}

TEST_F(ShapesTest, ManyCallersBringTheirShapesAtOnce) {
  const Session session = load(flattening());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int64_t n = 1; n <= 8; ++n)
    threads.emplace_back([&, n] {
      const Tensor x = counting({n / 2 + 1, 3});  // two threads a shape
      for (int i = 0; i < 10; ++i)
        if (!session.run({{"x", x}}).at("y").same_bits(x.reshaped({x.elements()}))) ++wrong;
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ShapesTest, MayBeFixedByName) {
  const Session session = load(flattening(), {.dims = {{"n", 2}, {"m", 3}}});
  EXPECT_EQ(session.inputs()[0].type, (TensorType{DType::f32, {2, 3}}));
  EXPECT_EQ(session.run({{"x", counting({2, 3})}}).at("y").shape(), (Shape{6}));
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       session.run({{"x", counting({3, 2})}});
                     }),
            "flattening: input 'x': expected f32[2,3], found f32[3,2]");
}

TEST_F(ShapesTest, ADimensionThatNoInputHasIsRefused) {
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       load(flattening(), {.dims = {{"n", 2}, {"k", 3}}});
                     }),
            "'" + path_ + "': no input has an open dimension 'k': expected 'm', 'n'");
}

TEST_F(ShapesTest, WrongInputsAreRefused) {
  const Session session = load(flattening());
  EXPECT_EQ(error_of(ErrorKind::InvalidInput, [&] { session.run({}); }),
            "flattening: input 'x' is missing");
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       session.run({{"x", counting({2, 3, 4})}});
                     }),
            "'" + path_ + "': input 'x': the model declares [N,N], the shape given is [2,3,4]");
  EXPECT_EQ(error_of(ErrorKind::InvalidInput,
                     [&] {
                       session.run({{"x", Tensor(DType::i64, {2, 3})}});
                     }),
            "flattening: input 'x': expected f32[2,3], found i64[2,3]");
}

TEST_F(ShapesTest, WhatNoShapeMakesSupportedIsRefusedAtOnce) {
  const std::string error = error_of(ErrorKind::Unsupported, [&] { load(flattening("NonZero")); });
  EXPECT_NE(error.find("node 'y' (NonZero, opset 17)"), std::string::npos) << error;
}

}  // namespace
}  // namespace hone

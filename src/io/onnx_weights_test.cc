// A file's weights out and in: all of them, and nothing else changes.
#include "io/onnx_weights.h"

#include <gtest/gtest.h>

#include "base/test_support.h"
#include "io/file.h"
#include "io/onnx_file.h"
#include "io/onnx_proto.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

Tensor filled(DType dtype, Shape shape, int64_t value) {
  Tensor out(DType::i64, std::move(shape));
  for (int64_t i = 0; i < out.elements(); ++i) out.data<int64_t>()[i] = value;
  return out.cast(dtype);
}

// A graph of an op that hone does not have, with a body and a large constant.
onnx::ModelProto model(const Weights& weights) {
  onnx::ModelProto m;
  m.set_producer_name("another");
  auto* graph = m.mutable_graph();
  auto* node = graph->add_node();
  node->set_op_type("Strange");
  auto* body = node->add_attribute()->mutable_g();
  *node->add_attribute()->mutable_t() = to_proto(filled(DType::f32, {500}, 7), "constant");
  for (const auto& [name, tensor] : weights)
    *(name.starts_with("body") ? body : graph)->add_initializer() = to_proto(tensor, name);
  return m;
}

const Weights kWeights = {
    {"body.w", filled(DType::f64, {2}, 3)},   {"half", filled(DType::f16, {400, 2}, 4)},
    {"brain", filled(DType::bf16, {2}, 5)},   {"int8", filled(DType::i8, {3000}, -6)},
    {"mask", filled(DType::boolean, {2}, 1)}, {"scalar", filled(DType::f32, {}, 8)},
    {"shape", filled(DType::i64, {2}, 9)},    {"single", filled(DType::f32, {2, 300}, 10)}};

void expect_same(const Weights& found, const Weights& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [name, tensor] : expected) EXPECT_TRUE(found.at(name).same_bits(tensor)) << name;
}

TEST(OnnxWeights, AreAllInitializersWhateverTheirDtype) {
  const TempFolder folder;
  write_file(folder.file("m.onnx"), model(kWeights).SerializeAsString());
  expect_same(load_onnx_weights(folder.file("m.onnx")), kWeights);
}

TEST(OnnxWeights, NothingElseChanges) {
  const TempFolder folder;
  Weights other = kWeights;
  for (auto& [name, tensor] : other) tensor = filled(tensor.dtype(), tensor.shape(), 1);
  write_file(folder.file("m.onnx"), model(kWeights).SerializeAsString());
  save_onnx_with_weights(folder.file("n.onnx"), folder.file("m.onnx"), other);
  expect_same(load_onnx_weights(folder.file("n.onnx")), other);
  onnx::ModelProto written;
  ASSERT_TRUE(written.ParseFromString(read_file(folder.file("n.onnx"))));
  EXPECT_EQ(written.SerializeAsString(), model(other).SerializeAsString());
}

// Where the new file is, the old one's others are not.
TEST(OnnxWeights, TakeExternalDataAlong) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.file("from"));
  onnx::ModelProto m = model(kWeights);
  std::string bytes;
  const auto move_out = [&](onnx::TensorProto& t) {
    t.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] :
         {std::pair("location", std::string("m.bin")), {"offset", std::to_string(bytes.size())}}) {
      t.add_external_data()->set_key(key);
      t.mutable_external_data()->rbegin()->set_value(value);
    }
    bytes += t.raw_data();
    t.clear_raw_data();
  };
  for (auto& t : *m.mutable_graph()->mutable_initializer()) move_out(t);
  move_out(*m.mutable_graph()->mutable_node(0)->mutable_attribute(1)->mutable_t());
  write_file(folder.file("from/m.onnx"), m.SerializeAsString());
  write_file(folder.file("from/m.bin"), bytes);
  expect_same(load_onnx_weights(folder.file("from/m.onnx")), kWeights);
  save_onnx_with_weights(folder.file("n.onnx"), folder.file("from/m.onnx"), kWeights);
  onnx::ModelProto written;
  ASSERT_TRUE(written.ParseFromString(read_file(folder.file("n.onnx"))));
  EXPECT_EQ(written.SerializeAsString(), model(kWeights).SerializeAsString());
}

TEST(OnnxWeights, NamesWhatItCannotCarry) {
  const TempFolder folder;
  const std::string path = folder.file("m.onnx");
  const auto error = [&](ErrorKind kind, const onnx::ModelProto& m) {
    write_file(path, m.SerializeAsString());
    return error_of(kind, [&] { load_onnx_weights(path); }).substr(path.size() + 4);
  };
  onnx::ModelProto m = model(kWeights);
  m.mutable_graph()->mutable_initializer(0)->set_data_type(onnx::TensorProto::STRING);
  EXPECT_EQ(error(ErrorKind::Unsupported, m), "tensor 'brain': dtype STRING is not supported");
  m = model(kWeights);
  m.mutable_graph()->mutable_initializer(0)->set_name("body.w");
  EXPECT_EQ(error(ErrorKind::InvalidInput, m), "two initializers are named 'body.w'");
  m.mutable_graph()->mutable_initializer(0)->clear_name();
  EXPECT_EQ(error(ErrorKind::InvalidInput, m), "an initializer has no name");
  m = model({});
  m.mutable_graph()->add_sparse_initializer()->mutable_values()->set_name("few");
  EXPECT_EQ(error(ErrorKind::Unsupported, m), "initializer 'few' is sparse");
}

}  // namespace
}  // namespace hone::io

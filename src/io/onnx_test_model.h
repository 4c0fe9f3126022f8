// ONNX models that tests write by hand.
#pragma once

#include <string>
#include <vector>

#include "base/test_support.h"
#include "io/onnx_emitter.h"
#include "io/onnx_import.h"
#include "io/onnx_test_graphs.h"

namespace hone::io {

/// A model with an input x, a float initializer or two, and the nodes that a test adds.
class TestModel {
 public:
  explicit TestModel(std::vector<int64_t> input = {kBatch, 2, 6, 5}, int64_t opset = 17) {
    proto_.set_ir_version(8);
    proto_.add_opset_import()->set_version(opset);
    auto* tensor = proto_.mutable_graph()->add_input();
    tensor->set_name("x");
    tensor->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    auto* shape = tensor->mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int64_t d : input) {
      if (d == kBatch) shape->add_dim()->set_dim_param("batch_size");
      else shape->add_dim()->set_dim_value(d);
    }
    proto_.mutable_graph()->add_output()->set_name("y");
  }
  TestModel& weight(const std::string& name, Shape shape) {
    *graph().add_initializer() = to_proto(random_tensor(name, std::move(shape)), name);
    return *this;
  }
  TestModel& integers(const std::string& name, const std::vector<int64_t>& values) {
    *graph().add_initializer() =
        to_proto(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values), name);
    return *this;
  }
  TestModel& index(const std::string& name, int64_t value) {
    *graph().add_initializer() = to_proto(Tensor::scalar_i64(value), name);
    return *this;
  }
  onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::string& output) {
    onnx::NodeProto& n = *graph().add_node();
    n.set_name("the_" + type);
    n.set_op_type(type);
    for (const std::string& i : inputs) n.add_input(i);
    n.add_output(output);
    return n;
  }
  onnx::GraphProto& graph() { return *proto_.mutable_graph(); }
  onnx::ModelProto& model() { return proto_; }
  OnnxModel import(const ImportOptions& options = {}) const {
    return import_onnx(proto_.SerializeAsString(), "m", options);
  }
  std::string error(ErrorKind kind) const {
    return test::error_of(kind, [&] { import(); });
  }
  Shape output() const {
    const OnnxModel m = import();
    return m.graph.shape(m.graph.find_output("y"));
  }
  /// The ops, in order, without sources.
  std::string ops() const {
    std::string out;
    const OnnxModel m = import();
    for (const ir::Node& n : m.graph.nodes())
      if (n.op->op_class != ir::OpClass::source) out += std::string(n.op->name) + " ";
    return out;
  }

 private:
  onnx::ModelProto proto_;
};

}  // namespace hone::io

// The message is walked for initializers; what else has its data elsewhere takes them along.
#include "io/onnx_weights.h"

#include <functional>

#include "base/error.h"
#include "io/onnx_file.h"
#include "io/onnx_write.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Calls `visit` with each message that is `message` or in it, the outer ones first.
void walk(Message& message, const std::function<void(Message&)>& visit) {
  visit(message);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) walk(*reflection.MutableMessage(&message, field), visit);
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
      walk(*reflection.MutableRepeatedMessage(&message, field, i), visit);
  }
}

// The initializers of a model's graphs, by name.
std::map<std::string, onnx::TensorProto*> initializers_of(onnx::ModelProto& model) {
  std::map<std::string, onnx::TensorProto*> out;
  walk(model, [&](Message& message) {
    auto* graph = dynamic_cast<onnx::GraphProto*>(&message);
    if (graph == nullptr) return;
    for (const auto& sparse : graph->sparse_initializer())
      fail(ErrorKind::Unsupported, "initializer '{}' is sparse", sparse.values().name());
    for (onnx::TensorProto& tensor : *graph->mutable_initializer()) {
      require(!tensor.name().empty(), "an initializer has no name");
      require(out.emplace(tensor.name(), &tensor).second, "two initializers are named '{}'",
              tensor.name());
    }
  });
  return out;
}

void clear_data(onnx::TensorProto& tensor) {
  tensor.clear_raw_data();
  tensor.clear_float_data();
  tensor.clear_double_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_uint64_data();
  tensor.clear_external_data();
  tensor.clear_data_location();
}

void set_data(onnx::TensorProto& tensor, const Tensor& data) {
  clear_data(tensor);
  tensor.set_raw_data(std::string(bytes_of(data)));
}

Weights weights_of(const OnnxFile& file) {
  onnx::ModelProto model = file.proto();
  Weights out;
  for (const auto& [name, tensor] : initializers_of(model)) out.emplace(name, file.tensor(*tensor));
  return out;
}

// The weights of the model's own graph, which may be large, go beside the message, those of bodies
// into it; and so does what else has its data in a file that the new one does not have.
OnnxMessage with_weights(const OnnxFile& file, const Weights& weights) {
  OnnxMessage out{file.proto(), {}};
  google::protobuf::RepeatedPtrField<onnx::TensorProto> own;
  own.Swap(out.proto.mutable_graph()->mutable_initializer());
  for (onnx::TensorProto& tensor : own) {
    clear_data(tensor);
    out.initializers.push_back(weights.at(tensor.name()));
  }
  for (const auto& [name, tensor] : initializers_of(out.proto)) set_data(*tensor, weights.at(name));
  walk(out.proto, [&](Message& message) {
    auto* tensor = dynamic_cast<onnx::TensorProto*>(&message);
    if (tensor != nullptr && tensor->data_location() == onnx::TensorProto::EXTERNAL)
      set_data(*tensor, file.tensor(*tensor));
  });
  own.Swap(out.proto.mutable_graph()->mutable_initializer());
  return out;
}

template <class F>
auto naming(const std::string& path, F&& f) {
  try {
    return f();
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", path, e.what());
  }
}

}  // namespace

Weights load_onnx_weights(const std::string& path) {
  const OnnxFile file = OnnxFile::open(path);
  return naming(path, [&] { return weights_of(file); });
}

void save_onnx_with_weights(const std::string& path, const std::string& model,
                            const Weights& weights) {
  const OnnxFile file = OnnxFile::open(model);
  write_onnx(path, naming(model, [&] { return with_weights(file, weights); }));
}

}  // namespace hone::io

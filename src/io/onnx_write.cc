// A file is a list of pieces: what protocol buffers serialise, and the memory of tensors between.
#include "io/onnx_write.h"

#include <deque>
#include <filesystem>

#include "io/file.h"
#include "io/onnx_slim.h"
#include "io/tensor_bytes.h"
#include "io/wire_format.h"

namespace hone::io {
namespace {

// Where the system can map a tensor on its own, as the format advises.
constexpr size_t kDataAlignment = 4096;

struct Pieces {
  std::deque<std::string> texts;  // whose memory stays where it is
  std::vector<std::string_view> list;

  void add(std::string text) { list.push_back(texts.emplace_back(std::move(text))); }
  void add(const Tensor& tensor) { list.push_back(bytes_of(tensor)); }
};

// A tensor up to its data; an initializer that is external is whole without them.
std::string head_of(const onnx::TensorProto& proto, const Tensor& data) {
  std::string head = proto.SerializeAsString();
  if (data.defined())
    put_field(head, onnx::TensorProto::kRawDataFieldNumber, static_cast<uint64_t>(data.bytes()));
  return head;
}

// Fields may come in any order, so the initializers, whose data are large, end the graph.
Pieces pieces_of(OnnxMessage& message) {
  const std::unique_ptr<onnx::GraphProto> graph(message.proto.release_graph());
  google::protobuf::RepeatedPtrField<onnx::TensorProto> initializers;
  graph->mutable_initializer()->Swap(&initializers);

  Pieces inside;
  inside.add(graph->SerializeAsString());
  for (size_t i = 0; i < message.initializers.size(); ++i) {
    const Tensor& data = message.initializers[i];
    const std::string head = head_of(initializers[static_cast<int>(i)], data);
    std::string text;
    put_field(text, onnx::GraphProto::kInitializerFieldNumber,
              head.size() + (data.defined() ? static_cast<uint64_t>(data.bytes()) : 0));
    inside.add(text + head);
    if (data.defined()) inside.add(data);
  }
  uint64_t length = 0;
  for (std::string_view piece : inside.list) length += piece.size();
  std::string text = message.proto.SerializeAsString();
  put_field(text, onnx::ModelProto::kGraphFieldNumber, length);
  inside.list.insert(inside.list.begin(), inside.texts.emplace_back(std::move(text)));
  return inside;
}

void set_external(onnx::TensorProto& proto, const std::string& location, size_t offset,
                  int64_t length) {
  proto.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair("location", location), std::pair("offset", std::to_string(offset)),
        std::pair("length", std::to_string(length))}) {
    auto* entry = proto.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
}

// Moves the large tensors from the message to a file of their own.
void write_data(const std::string& path, OnnxMessage& message, FileTransaction& files) {
  const std::string data_path = path + ".data";
  const std::string location = std::filesystem::path(data_path).filename().string();
  static const std::string zeros(kDataAlignment, '\0');
  std::vector<Tensor> kept;
  std::vector<std::string_view> data;
  size_t at = 0;
  for (size_t i = 0; i < message.initializers.size(); ++i) {
    Tensor& tensor = message.initializers[i];
    if (tensor.bytes() < kLargePayload) continue;
    const size_t padding = (kDataAlignment - at % kDataAlignment) % kDataAlignment;
    data.push_back(std::string_view(zeros).substr(0, padding));
    data.push_back(bytes_of(tensor));
    at += padding;
    set_external(*message.proto.mutable_graph()->mutable_initializer(static_cast<int>(i)), location,
                 at, tensor.bytes());
    at += static_cast<size_t>(tensor.bytes());
    kept.push_back(std::exchange(tensor, {}));
  }
  files.write(data_path, data);
}

}  // namespace

uint64_t OnnxMessage::bytes() const {
  uint64_t total = proto.ByteSizeLong();
  for (const Tensor& t : initializers)
    total += static_cast<uint64_t>(t.bytes()) + 32;  // tags and lengths
  return total;
}

std::string onnx_bytes(OnnxMessage message) {
  std::string out;
  for (std::string_view piece : pieces_of(message).list) out += piece;
  return out;
}

void write_onnx(const std::string& path, OnnxMessage message, bool external_data) {
  FileTransaction files;
  if (external_data || message.bytes() > kMostOnnxBytes) write_data(path, message, files);
  const Pieces pieces = pieces_of(message);
  files.write(path, pieces.list);
  files.commit();
}

}  // namespace hone::io

// Parsing the slim message, and finding a tensor's data by what the message says of them.
#include "io/onnx_file.h"

#include <charconv>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "io/onnx_slim.h"
#include "io/tensor_bytes.h"

namespace hone::io {
namespace {

onnx::ModelProto parse_model(const ByteSource& source) {
  const std::string bytes = slim_model(source);
  onnx::ModelProto proto;
  require(bytes.size() <= INT32_MAX && proto.ParseFromString(bytes),
          "truncated, corrupt, or not an ONNX model");
  require(proto.has_graph() && proto.graph().node_size() + proto.graph().output_size() > 0,
          "not an ONNX model");
  return proto;
}

// Where a tensor's data lie: without a location, in the model's own file.
struct Place {
  std::string location;
  int64_t offset;
  int64_t length;
};

int64_t byte_count(const std::string& key, const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc{} && end == text.data() + text.size() && value >= 0,
          "external data: {}: expected a number of bytes, found '{}'", key, text);
  return value;
}

Place place_of(const onnx::TensorProto& proto, const TensorType& type) {
  std::map<std::string, std::string> entries;
  for (const auto& entry : proto.external_data())
    require(entries.try_emplace(entry.key(), entry.value()).second,
            "external data: '{}' is given twice", entry.key());
  Place place{entries["location"], 0, type.bytes()};
  if (entries.contains("offset")) place.offset = byte_count("offset", entries["offset"]);
  if (entries.contains("length")) place.length = byte_count("length", entries["length"]);
  return place;
}

}  // namespace

OnnxFile::OnnxFile(std::unique_ptr<ByteSource> source, std::unique_ptr<ExternalData> beside)
    : source_(std::move(source)), beside_(std::move(beside)), proto_(parse_model(*source_)) {}

OnnxFile::OnnxFile(std::string_view bytes)
    : OnnxFile(std::make_unique<MemorySource>(bytes), nullptr) {}

OnnxFile OnnxFile::open(const std::string& path) {
  std::unique_ptr<ByteSource> source = open_source(path);
  try {
    return {std::move(source),
            std::make_unique<ExternalData>(std::filesystem::path(path).parent_path().string())};
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", path, e.what());
  }
}

Tensor OnnxFile::initializer(const onnx::TensorProto& proto) const {
  const auto known = initializers_.find(proto.name());
  if (known != initializers_.end()) return known->second;
  return initializers_.emplace(proto.name(), tensor(proto)).first->second;
}

Tensor OnnxFile::tensor(const onnx::TensorProto& proto) const {
  if (proto.data_location() != onnx::TensorProto::EXTERNAL) return from_proto(proto);
  const TensorType type = type_from_proto(proto);
  try {
    const Place place = place_of(proto, type);
    if (place.location.empty())
      return tensor_from_source(type.dtype, type.shape.dims(), *source_, place.offset,
                                place.length);
    if (beside_ == nullptr)
      fail(ErrorKind::Unsupported, "its data lie in the file '{}': load the model from its file",
           place.location);
    return beside_->tensor(type, place.location, place.offset, place.length);
  } catch (const Error& e) {
    fail(e.kind(), "tensor '{}': {}", proto.name(), e.what());
  }
}

}  // namespace hone::io

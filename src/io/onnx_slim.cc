// A walk over the wire format of protocol buffers: tag, length, bytes. It descends only into the
// messages that may hold a large tensor and copies everything else as it is.
#include "io/onnx_slim.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "io/wire_format.h"

namespace hone::io {
namespace {

// What protocol buffers themselves allow of messages in messages.
constexpr int kMaxDepth = 100;

enum class Message { model, function, graph, node, attribute, sparse, tensor };

struct Field {
  Message of;
  int number;
  Message type;
};
constexpr Field kFields[] = {
    {Message::model, onnx::ModelProto::kGraphFieldNumber, Message::graph},
    {Message::model, onnx::ModelProto::kFunctionsFieldNumber, Message::function},
    {Message::function, onnx::FunctionProto::kNodeFieldNumber, Message::node},
    {Message::graph, onnx::GraphProto::kNodeFieldNumber, Message::node},
    {Message::graph, onnx::GraphProto::kInitializerFieldNumber, Message::tensor},
    {Message::graph, onnx::GraphProto::kSparseInitializerFieldNumber, Message::sparse},
    {Message::node, onnx::NodeProto::kAttributeFieldNumber, Message::attribute},
    {Message::attribute, onnx::AttributeProto::kTFieldNumber, Message::tensor},
    {Message::attribute, onnx::AttributeProto::kTensorsFieldNumber, Message::tensor},
    {Message::attribute, onnx::AttributeProto::kSparseTensorFieldNumber, Message::sparse},
    {Message::attribute, onnx::AttributeProto::kSparseTensorsFieldNumber, Message::sparse},
    {Message::attribute, onnx::AttributeProto::kGFieldNumber, Message::graph},
    {Message::attribute, onnx::AttributeProto::kGraphsFieldNumber, Message::graph},
    {Message::sparse, onnx::SparseTensorProto::kValuesFieldNumber, Message::tensor},
    {Message::sparse, onnx::SparseTensorProto::kIndicesFieldNumber, Message::tensor}};

const Field* find_field(Message of, uint64_t number) {
  for (const Field& f : kFields)
    if (f.of == of && static_cast<uint64_t>(f.number) == number) return &f;
  return nullptr;
}

[[noreturn]] void broken() {
  fail(ErrorKind::InvalidInput, "truncated, corrupt, or not an ONNX model");
}

// Reads numbers one after another, through a window that spares a call to the system for each.
class Cursor {
 public:
  explicit Cursor(const ByteSource& source) : source_(source) {}
  int64_t at() const { return at_; }
  void skip(int64_t n) { at_ += n; }

  uint64_t varint(int64_t end) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ >= end) broken();
      const uint64_t byte = next();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    broken();
  }

 private:
  unsigned char next() {
    if (at_ < begin_ || at_ >= begin_ + filled_) {
      begin_ = at_;
      filled_ = std::min<int64_t>(window_.size(), source_.size() - at_);
      source_.read(begin_, filled_, window_.data());
    }
    return window_[static_cast<size_t>(at_++ - begin_)];
  }

  const ByteSource& source_;
  int64_t at_ = 0;
  int64_t begin_ = 0;
  int64_t filled_ = 0;
  std::array<unsigned char, 4096> window_;
};

class Slimmer {
 public:
  explicit Slimmer(const ByteSource& source) : source_(source), cursor_(source) {}

  std::string run() {
    std::string out;
    message(Message::model, source_.size(), 0, out);
    return out;
  }

 private:
  void message(Message type, int64_t end, int depth, std::string& out) {
    if (depth > kMaxDepth) broken();
    while (cursor_.at() < end) {
      const int64_t begin = cursor_.at();
      const uint64_t tag = cursor_.varint(end);
      const uint64_t wire = tag & 7;
      int64_t length = 0;
      if (wire == 0) cursor_.varint(end);
      else if (wire == 1) length = 8;
      else if (wire == 2) length = length_before(end);
      else if (wire == 5) length = 4;
      else broken();
      if (length > end - cursor_.at()) broken();
      if (wire != 2 || length < kLargePayload || !large(type, tag, length, depth, out)) {
        cursor_.skip(length);
        copy(begin, cursor_.at() - begin, out);
      }
    }
  }

  int64_t length_before(int64_t end) {
    const uint64_t length = cursor_.varint(end);
    if (length > static_cast<uint64_t>(end)) broken();
    return static_cast<int64_t>(length);
  }

  /// Reads a large field, if there is more to do with it than to copy it.
  bool large(Message type, uint64_t tag, int64_t length, int depth, std::string& out) {
    if (type == Message::tensor && tag >> 3 == onnx::TensorProto::kRawDataFieldNumber) {
      place(cursor_.at(), length, out);
      cursor_.skip(length);
      return true;
    }
    const Field* field = find_field(type, tag >> 3);
    if (field == nullptr) return false;
    std::string inner;
    message(field->type, cursor_.at() + length, depth + 1, inner);
    put_field(out, field->number, inner.size());
    out += inner;
    return true;
  }

  // Messages one after another are one message.
  static void place(int64_t offset, int64_t length, std::string& out) {
    onnx::TensorProto proto;
    proto.set_data_location(onnx::TensorProto::EXTERNAL);
    for (const auto& [key, value] : {std::pair("offset", offset), std::pair("length", length)}) {
      auto* entry = proto.add_external_data();
      entry->set_key(key);
      entry->set_value(std::to_string(value));
    }
    proto.AppendToString(&out);
  }

  void copy(int64_t begin, int64_t n, std::string& out) {
    const size_t filled = out.size();
    out.resize(filled + static_cast<size_t>(n));
    source_.read(begin, n, out.data() + filled);
  }

  const ByteSource& source_;
  Cursor cursor_;
};

}  // namespace

std::string slim_model(const ByteSource& model) { return Slimmer(model).run(); }

}  // namespace hone::io

// A walk over the wire format of protocol buffers: tag, length, bytes. It descends only into the
// messages that may hold a tensor and copies everything else as it is.
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
  // A field up to its contents, where the cursor stands.
  struct Found {
    int64_t begin;
    uint64_t number;
    uint64_t wire;   // how its contents are written: 0, a number; 2, some bytes or a message
    uint64_t value;  // of a number, which has been read
    int64_t length;  // of anything else, which follows and is inside
  };

  Found next(int64_t end) {
    const int64_t begin = cursor_.at();
    const uint64_t tag = cursor_.varint(end);
    if (tag > UINT32_MAX) broken();
    Found out{begin, tag >> 3, tag & 7, 0, 0};
    if (out.wire == 0) out.value = cursor_.varint(end);
    else if (out.wire == 1) out.length = 8;
    else if (out.wire == 2) out.length = length_before(end);
    else if (out.wire == 5) out.length = 4;
    else broken();
    if (out.length > end - cursor_.at()) broken();
    return out;
  }

  int64_t length_before(int64_t end) {
    const uint64_t length = cursor_.varint(end);
    if (length > static_cast<uint64_t>(end)) broken();
    return static_cast<int64_t>(length);
  }

  void message(Message type, int64_t end, int depth, std::string& out) {
    if (depth > kMaxDepth) broken();
    while (cursor_.at() < end) {
      const Found found = next(end);
      const Field* field = found.wire == 2 ? find_field(type, found.number) : nullptr;
      if (field == nullptr) {
        copy(found, out);
        continue;
      }
      std::string inner;
      const int64_t inner_end = cursor_.at() + found.length;
      if (field->type == Message::tensor) tensor(inner_end, inner);
      else message(field->type, inner_end, depth + 1, inner);
      put_field(out, field->number, inner.size());
      out += inner;
    }
  }

  // Every tensor comes by here, also a small one: what it says of places must not be taken for what
  // `place` says.
  void tensor(int64_t end, std::string& out) {
    using Proto = onnx::TensorProto;
    std::string name;
    bool is_inside = false;
    bool is_external = false;
    bool has_entries = false;
    bool has_location = false;
    while (cursor_.at() < end) {
      const Found found = next(end);
      const auto contents = [&] { return source_.text(cursor_.at(), found.length); };
      if (found.wire == 0 && found.number == Proto::kDataLocationFieldNumber) {
        is_external = is_external || static_cast<int32_t>(found.value) == Proto::EXTERNAL;
      } else if (found.wire == 2 && found.number == Proto::kNameFieldNumber) {
        name = contents();
      } else if (found.wire == 2 && found.number == Proto::kExternalDataFieldNumber) {
        onnx::StringStringEntryProto entry;
        if (!entry.ParseFromString(contents())) broken();
        has_entries = true;
        has_location = has_location || (entry.key() == "location" && !entry.value().empty());
      } else if (found.wire == 2 && found.number == Proto::kRawDataFieldNumber) {
        is_inside = true;
        if (found.length >= kLargePayload) {
          place(cursor_.at(), found.length, out);
          cursor_.skip(found.length);
          continue;
        }
      }
      copy(found, out);
    }
    require(!is_inside || (!is_external && !has_entries),
            "tensor '{}': its data are both inside and external", name);
    require(!is_external || has_location,
            "tensor '{}': external data: expected the location of a file, found none", name);
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

  void copy(const Found& found, std::string& out) {
    cursor_.skip(found.length);
    const int64_t n = cursor_.at() - found.begin;
    const size_t filled = out.size();
    out.resize(filled + static_cast<size_t>(n));
    source_.read(found.begin, n, out.data() + filled);
  }

  const ByteSource& source_;
  Cursor cursor_;
};

}  // namespace

std::string slim_model(const ByteSource& model) { return Slimmer(model).run(); }

}  // namespace hone::io

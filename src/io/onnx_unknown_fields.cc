// A walk over a message and the messages in it.
#include "io/onnx_unknown_fields.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>

#include "base/error.h"

namespace hone::io {
namespace {

// Fields that later versions of the schema added and that carry notes, not meaning.
struct Note {
  std::string_view message;
  int number;
};
constexpr Note kNotes[] = {
    {"NodeProto", 9},  // metadata_props, and so on
    {"GraphProto", 16},    {"ValueInfoProto", 4}, {"TensorProto", 16},
    {"FunctionProto", 14}, {"FunctionProto", 12},  // value_info: types that inference gives as well
};

bool is_note(std::string_view message, int number) {
  return std::any_of(std::begin(kNotes), std::end(kNotes),
                     [&](const Note& n) { return n.message == message && n.number == number; });
}

}  // namespace

void refuse_unknown_fields(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  const std::string& name = message.GetDescriptor()->name();
  for (int i = 0; i < unknown.field_count(); ++i)
    if (!is_note(name, unknown.field(i).number()))
      fail(ErrorKind::Unsupported, "field {} of a {} is not known: the file is of a newer schema",
           unknown.field(i).number(), name);
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      refuse_unknown_fields(reflection.GetMessage(message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i)
      refuse_unknown_fields(reflection.GetRepeatedMessage(message, field, i));
  }
}

}  // namespace hone::io

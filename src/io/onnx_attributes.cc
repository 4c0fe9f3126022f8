// The attributes of ONNX nodes, read and set.
#include "io/onnx_attributes.h"

#include "base/error.h"

namespace hone::io {
namespace {

const onnx::AttributeProto* typed(const onnx::NodeProto& node, std::string_view name,
                                  onnx::AttributeProto::AttributeType type) {
  const onnx::AttributeProto* a = find_attribute(node, name);
  require(a == nullptr || a->type() == type, "attribute '{}': expected {}, found {}", name,
          onnx::AttributeProto::AttributeType_Name(type),
          onnx::AttributeProto::AttributeType_Name(a == nullptr ? type : a->type()));
  return a;
}

}  // namespace

const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name) {
  for (const auto& a : node.attribute())
    if (a.name() == name) return &a;
  return nullptr;
}

int64_t int_of(const onnx::NodeProto& node, std::string_view name, int64_t fallback) {
  const auto* a = typed(node, name, onnx::AttributeProto::INT);
  return a == nullptr ? fallback : a->i();
}

double float_of(const onnx::NodeProto& node, std::string_view name, double fallback) {
  const auto* a = typed(node, name, onnx::AttributeProto::FLOAT);
  return a == nullptr ? fallback : a->f();
}

std::string string_of(const onnx::NodeProto& node, std::string_view name,
                      std::string_view fallback) {
  const auto* a = typed(node, name, onnx::AttributeProto::STRING);
  return a == nullptr ? std::string(fallback) : a->s();
}

std::vector<int64_t> ints_of(const onnx::NodeProto& node, std::string_view name,
                             std::vector<int64_t> fallback) {
  const auto* a = typed(node, name, onnx::AttributeProto::INTS);
  return a == nullptr ? std::move(fallback)
                      : std::vector<int64_t>(a->ints().begin(), a->ints().end());
}

std::vector<float> floats_of(const onnx::NodeProto& node, std::string_view name,
                             std::vector<float> fallback) {
  const auto* a = typed(node, name, onnx::AttributeProto::FLOATS);
  return a == nullptr ? std::move(fallback)
                      : std::vector<float>(a->floats().begin(), a->floats().end());
}

onnx::AttributeProto& add_attribute(onnx::NodeProto& node, std::string_view name,
                                    onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(std::string(name));
  a.set_type(type);
  return a;
}

void set_int(onnx::NodeProto& node, std::string_view name, int64_t value) {
  add_attribute(node, name, onnx::AttributeProto::INT).set_i(value);
}
void set_ints(onnx::NodeProto& node, std::string_view name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& a = add_attribute(node, name, onnx::AttributeProto::INTS);
  for (int64_t v : values) a.add_ints(v);
}
void set_float(onnx::NodeProto& node, std::string_view name, double value) {
  add_attribute(node, name, onnx::AttributeProto::FLOAT).set_f(static_cast<float>(value));
}
void set_string(onnx::NodeProto& node, std::string_view name, std::string_view value) {
  add_attribute(node, name, onnx::AttributeProto::STRING).set_s(std::string(value));
}

}  // namespace hone::io

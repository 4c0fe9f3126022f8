// Reading the attributes of ONNX nodes.
#include "base/error.h"
#include "io/onnx_importer.h"

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

}  // namespace hone::io

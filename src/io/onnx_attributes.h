// The attributes of ONNX nodes, read and set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_proto.h"

namespace hone::io {

/// Null if the node does not give it.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name);
/// Attributes of one type, with ONNX's defaults given by the caller.
int64_t int_of(const onnx::NodeProto& node, std::string_view name, int64_t fallback);
double float_of(const onnx::NodeProto& node, std::string_view name, double fallback);
std::string string_of(const onnx::NodeProto& node, std::string_view name,
                      std::string_view fallback);
std::vector<int64_t> ints_of(const onnx::NodeProto& node, std::string_view name,
                             std::vector<int64_t> fallback = {});
std::vector<float> floats_of(const onnx::NodeProto& node, std::string_view name,
                             std::vector<float> fallback = {});

/// Appends an attribute, whose value is still to be set.
onnx::AttributeProto& add_attribute(onnx::NodeProto& node, std::string_view name,
                                    onnx::AttributeProto::AttributeType type);
void set_int(onnx::NodeProto& node, std::string_view name, int64_t value);
void set_ints(onnx::NodeProto& node, std::string_view name, const std::vector<int64_t>& values);
void set_float(onnx::NodeProto& node, std::string_view name, double value);
void set_string(onnx::NodeProto& node, std::string_view name, std::string_view value);

}  // namespace hone::io

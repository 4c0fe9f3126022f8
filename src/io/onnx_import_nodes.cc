// Reading a file's nodes: finding the row, and collecting what hone has no meaning for, so that one
// error lists all of it.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "io/onnx_importer.h"

namespace hone::io {
namespace {

std::string full_name(const onnx::NodeProto& node) {
  return is_standard(node.domain()) ? node.op_type() : node.domain() + "." + node.op_type();
}

constexpr const char* kNoSuchOp = "hone has no such op";
// Functions that call functions could make any number.
constexpr int64_t kMostNodes = 1 << 20;
constexpr size_t kMaxListed = 1200;  // characters of a list of unsupported nodes

}  // namespace

std::string to_string(const std::vector<OnnxUnsupported>& unsupported) {
  std::string out;
  for (size_t i = 0; i < unsupported.size(); ++i) {
    const OnnxUnsupported& u = unsupported[i];
    std::string item =
        u.opset == 0 ? fmt::format("{} '{}': {}", u.op, u.name, u.why)
                     : fmt::format("node '{}' ({}, opset {}): {}", u.name, u.op, u.opset, u.why);
    if (i > 0 && out.size() + item.size() > kMaxListed)
      return fmt::format("{}; and {} more", out, unsupported.size() - i);
    out += (i == 0 ? "" : "; ") + item.substr(0, kMaxListed);
  }
  return out;
}

void OnnxImporter::refuse(const onnx::NodeProto& node, std::string why) {
  int64_t version = opset_;
  for (const auto& opset : proto_.opset_import())
    if (!is_standard(node.domain()) && opset.domain() == node.domain()) version = opset.version();
  unsupported_.push_back({prefix_ + node.name(), full_name(node), version, std::move(why)});
}

bool OnnxImporter::reads_unsupported(const onnx::NodeProto& node) const {
  return std::any_of(node.input().begin(), node.input().end(), [&](const std::string& name) {
    const auto at = values_.find(name);
    return at != values_.end() && at->second.is_unsupported;
  });
}

void OnnxImporter::read_nodes(const Nodes& nodes) {
  const Nodes* around = std::exchange(nodes_, &nodes);
  for (const auto& node : nodes) read_node(node);
  nodes_ = around;
}

void OnnxImporter::read_node(const onnx::NodeProto& node) {
  const auto pass_over = [&] {
    for (const std::string& name : node.output())
      if (!name.empty() && !values_.contains(name)) {
        OnnxValue value;
        value.is_unsupported = true;
        define(name, std::move(value));
      }
  };
  if (reads_unsupported(node)) {
    if (!has_meaning(node)) refuse(node, kNoSuchOp);
    return pass_over();
  }
  const std::string label = fmt::format("node '{}' ({})", node.name(), full_name(node));
  require(++read_ <= kMostNodes, "functions and branches make more than {} nodes", kMostNodes);
  name_ = node_name(node);
  try {
    dispatch(node);
    follow_new_nodes();
    for (int i = 0; i < node.output_size(); ++i)
      if (wants(node, i) && !values_.contains(node.output(i)))
        fail(ErrorKind::Unsupported, "output {} is not supported", i);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::Unsupported) fail(e.kind(), "{}: {}", label, e.what());
    refuse(node, e.what());
    pass_over();
  }
}

bool OnnxImporter::has_meaning(const onnx::NodeProto& node) const {
  return functions_.contains({node.domain(), node.op_type()}) ||
         (is_standard(node.domain()) && find_import_row(node.op_type()) != nullptr) ||
         is_contrib_op(node);
}

void OnnxImporter::dispatch(const onnx::NodeProto& node) {
  if (!has_meaning(node)) fail(ErrorKind::Unsupported, "{}", kNoSuchOp);
  const auto function = functions_.find({node.domain(), node.op_type()});
  if (function != functions_.end()) inline_function(node, *function->second);
  else if (is_contrib_op(node)) inline_function(node, function_of_bytes(node));
  else find_import_row(node.op_type())->read(*this, node);
}

void OnnxImporter::fail_missing(const std::string& name) const {
  for (const auto& node : *nodes_)
    for (const std::string& output : node.output())
      if (output == name)
        fail(ErrorKind::InvalidInput,
             "input '{}' is given by node '{}' behind it: the nodes are out of order or a cycle",
             name, node.name());
  fail(ErrorKind::InvalidInput, "input '{}' is given by nothing before it", name);
}

const OnnxImportRow* find_import_row(std::string_view op_type) {
  static const std::map<std::string_view, OnnxImportRow> rows = [] {
    std::map<std::string_view, OnnxImportRow> all;
    for (const auto& part :
         {onnx_elementwise_rows(), onnx_reduce_rows(), onnx_logic_rows(), onnx_math_rows(),
          onnx_gather_rows(), onnx_einsum_rows(), onnx_resize_rows(), onnx_quant_rows(),
          onnx_loss_rows(), onnx_constant_rows(), onnx_movement_rows(), onnx_conv_rows(),
          onnx_pool_rows(), onnx_norm_rows(), onnx_shape_rows(), onnx_layer_rows(),
          onnx_control_rows()})
      for (const OnnxImportRow& row : part) all.emplace(row.op_type, row);
    return all;
  }();
  const auto at = rows.find(op_type);
  return at == rows.end() ? nullptr : &at->second;
}

}  // namespace hone::io

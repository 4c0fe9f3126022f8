// What an export row works with: it turns one node into ONNX nodes through this. Also the table of
// rows. Only the exporter's own files include it.
#pragma once

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_attributes.h"
#include "io/onnx_model.h"
#include "io/onnx_proto.h"
#include "io/onnx_write.h"

namespace hone::io {

class OnnxEmitter {
 public:
  OnnxEmitter(const OnnxModel& model, int64_t opset);
  OnnxMessage run();

  const ir::Graph& graph() const { return model_.graph; }
  int64_t opset() const { return opset_; }
  /// The ONNX names of a node's operands, and of its i-th result.
  std::vector<std::string> operands(const ir::Node& node) const;
  const std::string& name(ir::ValueId value) const { return names_.at(value); }
  const std::string& operand(const ir::Node& node, size_t i) const {
    return names_.at(node.operands[i]);
  }
  const std::string& result(const ir::Node& node, size_t i = 0) const {
    return names_.at(node.results[i]);
  }
  const TensorType& operand_type(const ir::Node& node, size_t i) const {
    return model_.graph.type(node.operands[i]);
  }

  /// Appends a node that carries the name of the graph's node, made unique. Attributes are added to
  /// what it returns.
  onnx::NodeProto& emit(std::string_view op_type, const ir::Node& node,
                        std::vector<std::string> inputs, std::string output);
  /// The usual case: all operands, the first result.
  onnx::NodeProto& emit(std::string_view op_type, const ir::Node& node);
  /// The node that was appended last.
  onnx::NodeProto& last() { return *out_->mutable_node()->rbegin(); }
  /// A Constant node; returns the name of its value.
  std::string constant(const Tensor& value, std::string_view name);
  std::string integers(const std::vector<int64_t>& values, std::string_view name);
  /// A name that no other value has.
  std::string fresh(std::string_view wish);
  /// The 1-D extent of one axis of an operand, at run time.
  std::string extent(const ir::Node& node, const std::string& value, int64_t axis);
  /// The name of a value whose axis 0 is the batch.
  const std::string& batch_value() const;

 private:
  /// The nodes of one layer share a name in hone, but not in ONNX: the documentation keeps it.
  void name_node(onnx::NodeProto& proto, std::string_view name);
  void declare_sources();
  void name_results();
  void finish_outputs();

  const OnnxModel& model_;
  const int64_t opset_;
  onnx::ModelProto proto_;
  onnx::GraphProto* out_;
  std::vector<Tensor> initializers_;
  std::map<ir::ValueId, std::string> names_;
  std::set<std::string> taken_;
  std::set<std::string> node_names_;
};

/// How ops are written, one row each. Every built-in op has a row.
struct OnnxExportRow {
  const ir::OpSpec* op;
  void (*emit)(OnnxEmitter&, const ir::Node&);  ///< null if ONNX has no place for the op
  std::string_view text;  ///< ONNX's name of the op, or the reason why there is no place for it
};
const OnnxExportRow* find_export_row(const ir::OpSpec& op);

}  // namespace hone::io

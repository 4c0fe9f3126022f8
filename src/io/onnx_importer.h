// What an import row works with: it turns one ONNX node into nodes of the graph through this. Also
// the table of rows. Only the importer's own files include it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "io/onnx_model.h"
#include "io/onnx_proto.h"

namespace hone::io {

/// Stands for the batch among the numbers of a shape (where -1 means "whatever remains").
inline constexpr int64_t kBatchExtent = INT64_MIN;

/// What is known of a named value of the file. A constant gets a node when one is first asked for:
/// most only feed shapes.
struct OnnxValue {
  ir::ValueId value = ir::kNoValue;
  Tensor tensor = {};                                ///< the contents of an initializer or constant
  std::optional<std::vector<int64_t>> numbers = {};  ///< shape data, up to rank 1
  std::string name = {};                             ///< of the constant's node, if it gets one
  bool is_scalar = false;                            ///< shape data of rank 0
  ir::ValueId batch_of = ir::kNoValue;  ///< shape data holding kBatchExtent: whose batch it is
};

class OnnxImporter {
 public:
  OnnxImporter(const onnx::ModelProto& proto, std::string_view name);
  OnnxModel run();

  ir::Graph& graph() { return model_.graph; }
  int64_t opset() const { return opset_; }

  /// True if the i-th input of a node is given (ONNX leaves optional ones empty).
  bool has(const onnx::NodeProto& node, int i) const;
  /// The i-th input; throws InvalidInput if it is missing.
  const OnnxValue& input(const onnx::NodeProto& node, int i) const;
  /// The same as a value of the graph.
  ir::ValueId value(const onnx::NodeProto& node, int i);
  const TensorType& type(const onnx::NodeProto& node, int i) {
    return graph().type(value(node, i));
  }
  /// The contents of an input that must be known; throws Unsupported if it is computed.
  const Tensor& tensor(const onnx::NodeProto& node, int i) const;
  /// Integers that must be known at import; throws Unsupported if they are computed.
  std::vector<int64_t> numbers(const onnx::NodeProto& node, int i) const;

  /// The name that a node has in hone.
  const std::string& node_name(const onnx::NodeProto& node) const;
  /// Appends a node that carries the name of the file's node.
  ir::ValueId add(const onnx::NodeProto& node, const ir::OpSpec& op,
                  std::vector<ir::ValueId> operands, ir::Attrs attrs = {});
  ir::ValueId scalar(DType dtype, double value);
  /// Says what the node's first output is.
  void bind(const onnx::NodeProto& node, OnnxValue value);
  void bind(const onnx::NodeProto& node, ir::ValueId value) { bind(node, OnnxValue{value}); }

 private:
  void read_opset();
  void refuse_unsupported() const;
  void declare_inputs();
  void declare_initializers();
  void read_nodes();
  void read_outputs();
  void read_metadata();
  void define(const std::string& name, OnnxValue value);
  void declare_state(const std::string& name, Tensor value, bool trainable);
  ir::ValueId materialise(const std::string& name, OnnxValue& value);

  const onnx::ModelProto& proto_;
  OnnxModel model_;
  int64_t opset_ = 0;
  std::map<std::string, OnnxValue> values_;
};

/// Attributes of an ONNX node, with ONNX's defaults given by the caller.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, std::string_view name);
int64_t int_of(const onnx::NodeProto& node, std::string_view name, int64_t fallback);
double float_of(const onnx::NodeProto& node, std::string_view name, double fallback);
std::string string_of(const onnx::NodeProto& node, std::string_view name,
                      std::string_view fallback);
std::vector<int64_t> ints_of(const onnx::NodeProto& node, std::string_view name,
                             std::vector<int64_t> fallback = {});

/// How an ONNX op is read.
struct OnnxImportRow {
  std::string_view op_type;
  void (*read)(OnnxImporter&, const onnx::NodeProto&);
};
const OnnxImportRow* find_import_row(std::string_view op_type);

// The table's parts: ops of one input's or output's elements, ops that move elements or make
// shapes, and the layers of a network.
std::vector<OnnxImportRow> onnx_elementwise_rows();
std::vector<OnnxImportRow> onnx_shape_rows();
std::vector<OnnxImportRow> onnx_layer_rows();

}  // namespace hone::io

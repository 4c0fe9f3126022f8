// What an import row works with: it turns one ONNX node into nodes of the graph through this. Also
// the table of rows. Only the importer's own files include it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "io/onnx_attributes.h"
#include "io/onnx_file.h"
#include "io/onnx_import.h"
#include "io/onnx_model.h"
#include "io/onnx_proto.h"
#include "ir/expr.h"

namespace hone::io {

/// Stands for the batch among the numbers of a shape (where -1 means "whatever remains").
inline constexpr int64_t kBatchExtent = INT64_MIN;

/// What is known of a named value of the file. A constant gets a node when one is first asked for:
/// most only feed shapes.
struct OnnxValue {
  ir::ValueId value = ir::kNoValue;
  Tensor tensor = {};           ///< the contents of an initializer or constant
  std::string name = {};        ///< of the constant's node, if it gets one
  bool is_unsupported = false;  ///< the result of a node that hone has no meaning for
  // A shape that holds the symbolic batch, as shape data:
  ir::ValueId batch_of = ir::kNoValue;  ///< whose batch it is
  std::vector<int64_t> extents = {};    ///< with kBatchExtent
  bool is_scalar = false;               ///< of rank 0
};

/// ONNX's own domain, by either of its names.
inline bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

class OnnxImporter {
 public:
  /// `known` are the inputs that become constants with the contents that `options` give them.
  OnnxImporter(const OnnxFile& file, std::string_view name, const ImportOptions& options,
               const std::set<std::string>& known);

  /// Reads all of the file; what hone has no meaning for is collected, and what depends on it is
  /// passed over.
  void read();
  const std::vector<OnnxUnsupported>& unsupported() const { return unsupported_; }
  /// Inputs whose contents a row asked for and could not have.
  const std::set<std::string>& wanted() const { return wanted_; }
  /// The model; throws Unsupported if something was.
  OnnxModel finish();

  ir::Graph& graph() { return model_.graph; }
  int64_t opset() const { return opset_; }

  /// True if the i-th input of a node is given (ONNX leaves optional ones empty).
  bool has(const onnx::NodeProto& node, int i) const;
  /// True if the i-th output of a node is asked for.
  bool wants(const onnx::NodeProto& node, int i) const;
  /// The i-th input; throws InvalidInput if it is missing.
  const OnnxValue& input(const onnx::NodeProto& node, int i) const;
  /// The same as a value of the graph.
  ir::ValueId value(const onnx::NodeProto& node, int i);
  ir::Expr expr(const onnx::NodeProto& node, int i) { return {&graph(), value(node, i)}; }
  TensorType type(const onnx::NodeProto& node, int i) { return graph().type(value(node, i)); }

  /// What a tensor of the file holds, in whatever form it is there.
  Tensor contents(const onnx::TensorProto& proto) const { return file_.tensor(proto); }
  /// The contents of an input that must be known; throws Unsupported if it is computed.
  Tensor tensor(const onnx::NodeProto& node, int i);
  /// The same if they are known.
  std::optional<Tensor> known(const onnx::NodeProto& node, int i);
  /// Integers, and floating-point numbers, that must be known.
  std::vector<int64_t> numbers(const onnx::NodeProto& node, int i);
  std::vector<double> reals(const onnx::NodeProto& node, int i);
  /// Integers that must be known but for the symbolic batch, which is kBatchExtent.
  std::vector<int64_t> extents(const onnx::NodeProto& node, int i);

  /// The name that a node has in hone.
  std::string node_name(const onnx::NodeProto& node) const;
  /// Appends a node. Whatever a row appends without a name carries the name of the file's node.
  ir::ValueId add(const ir::OpSpec& op, std::vector<ir::ValueId> operands, ir::Attrs attrs = {}) {
    return graph().add(op, std::move(operands), std::move(attrs));
  }
  ir::Expr constant(Tensor tensor) { return ir::constant(graph(), std::move(tensor)); }
  ir::Expr scalar(DType dtype, double value);
  /// The same value, which stays computed though it may be known: a weight of bytes stays small.
  ir::Expr unfolded(const ir::Expr& e) {
    unfolded_.insert(e.id);
    return e;
  }
  /// To be called before a row makes a table of its own (indices, masks, weights of a resize),
  /// whose size an attribute decides. Throws Unsupported where all tables together would be more
  /// than a network's: a small file must not fill the memory.
  void charge(int64_t elements);
  /// Says what the node's first output is.
  void bind(const onnx::NodeProto& node, OnnxValue value) { bind(node, 0, std::move(value)); }
  void bind(const onnx::NodeProto& node, ir::ValueId value) { bind(node, OnnxValue{value}); }
  void bind(const onnx::NodeProto& node, const ir::Expr& e) { bind(node, OnnxValue{e.id}); }
  /// Says what the node's i-th output is, if it is asked for.
  void bind(const onnx::NodeProto& node, int i, OnnxValue value);
  void bind(const onnx::NodeProto& node, int i, const ir::Expr& e) {
    bind(node, i, OnnxValue{e.id});
  }

  /// Reads a branch in place of its node, with all the values around it in sight.
  void inline_graph(const onnx::NodeProto& node, const onnx::GraphProto& graph);
  /// Reads a function in place of its call.
  void inline_function(const onnx::NodeProto& node, const onnx::FunctionProto& function);

 private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

  int64_t opset_of(
      const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& opsets) const;
  void declare_functions();
  void declare_inputs();
  void declare_initializers();
  void read_outputs();
  void read_metadata();
  void define(const std::string& name, OnnxValue value);
  void declare_input(const onnx::ValueInfoProto& info);
  void declare_constant(const std::string& name, Tensor value);
  void declare_state(const std::string& name, Tensor value, bool trainable);

  void read_nodes(const Nodes& nodes);
  void read_node(const onnx::NodeProto& node);
  bool has_meaning(const onnx::NodeProto& node) const;
  void dispatch(const onnx::NodeProto& node);
  void refuse(const onnx::NodeProto& node, std::string why);
  [[noreturn]] void fail_missing(const std::string& name) const;
  bool reads_unsupported(const onnx::NodeProto& node) const;

  ir::ValueId materialise(const std::string& name, OnnxValue& value);
  void follow_new_nodes();
  void compute_contents(const ir::Node& node);
  void want(ir::ValueId v);
  void freeze(ir::ValueId v);
  void visit_sources(ir::ValueId v, FunctionRef<void(const ir::Node&)> visit);
  ir::Graph settled();

  /// What is known of a value of the graph.
  struct Fact {
    Tensor contents = {};   ///< if they are known
    bool varies = false;    ///< they are those of states, which may change
    bool is_read = false;   ///< a state whose contents the structure of the graph depends on
    std::string name = {};  ///< for the node, if it has none
  };

  const OnnxFile& file_;
  const onnx::ModelProto& proto_;
  const ImportOptions& options_;
  const std::set<std::string>& known_;
  OnnxModel model_;
  bool is_own_;  ///< written by hone
  int64_t opset_ = 0;
  std::map<std::string, OnnxValue> values_;
  std::map<std::pair<std::string, std::string>, const onnx::FunctionProto*> functions_;
  const Nodes* nodes_ = nullptr;  ///< those being read
  std::string name_;              ///< of the node being read
  std::string prefix_;            ///< of the names of nodes in functions
  int64_t charged_ = 0;           ///< elements of the tables that rows made
  int64_t read_ = 0;              ///< how many nodes were read
  int depth_ = 0;                 ///< of functions and branches
  std::vector<Fact> facts_;       ///< by value of the graph
  size_t followed_ = 0;           ///< how many nodes of the graph have facts
  std::vector<OnnxUnsupported> unsupported_;
  std::set<std::string> wanted_;
  std::set<ir::ValueId> unfolded_;
};

/// How an ONNX op is read.
struct OnnxImportRow {
  std::string_view op_type;
  void (*read)(OnnxImporter&, const onnx::NodeProto&);
};
const OnnxImportRow* find_import_row(std::string_view op_type);

/// True if the node is one of ONNX Runtime's own ops that hone reads.
bool is_contrib_op(const onnx::NodeProto& node);
/// What such an op, QLinearConv or QLinearMatMul does, between dequantising and quantising.
onnx::FunctionProto function_of_bytes(const onnx::NodeProto& call);

// The table's parts, one file each.
std::vector<OnnxImportRow> onnx_elementwise_rows();
std::vector<OnnxImportRow> onnx_logic_rows();
std::vector<OnnxImportRow> onnx_math_rows();
std::vector<OnnxImportRow> onnx_gather_rows();
std::vector<OnnxImportRow> onnx_einsum_rows();
std::vector<OnnxImportRow> onnx_resize_rows();
std::vector<OnnxImportRow> onnx_quant_rows();
std::vector<OnnxImportRow> onnx_loss_rows();
std::vector<OnnxImportRow> onnx_constant_rows();
std::vector<OnnxImportRow> onnx_shape_rows();
std::vector<OnnxImportRow> onnx_movement_rows();
std::vector<OnnxImportRow> onnx_reduce_rows();
std::vector<OnnxImportRow> onnx_conv_rows();
std::vector<OnnxImportRow> onnx_pool_rows();
std::vector<OnnxImportRow> onnx_norm_rows();
std::vector<OnnxImportRow> onnx_layer_rows();
std::vector<OnnxImportRow> onnx_control_rows();

}  // namespace hone::io

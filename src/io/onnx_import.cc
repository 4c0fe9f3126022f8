// The frame of an import: the file's checks, inputs, initializers, outputs and metadata. What
// single ops become is in onnx_import_*.cc.
#include "io/onnx_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/file.h"
#include "io/onnx_importer.h"

namespace hone::io {
namespace {

using nlohmann::json;

// The opsets whose meaning the rows know.
constexpr int64_t kLowestOpset = 7;
constexpr int64_t kHighestOpset = 23;

bool is_standard(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

bool is_float(DType dtype) { return dtype == DType::f32 || dtype == DType::f64; }

// Integers of rank 0 or 1 may turn out to be a shape, an axis, ...
std::optional<std::vector<int64_t>> as_numbers(const Tensor& t) {
  if (t.shape().rank() > 1 || (t.dtype() != DType::i64 && t.dtype() != DType::i32)) return {};
  const Tensor wide = t.cast(DType::i64);
  return std::vector<int64_t>(wide.data<int64_t>(), wide.data<int64_t>() + wide.elements());
}

std::set<std::string> unsupported_ops(const onnx::GraphProto& graph) {
  std::set<std::string> out;
  for (const auto& node : graph.node()) {
    if (!is_standard(node.domain())) out.insert(node.domain() + "." + node.op_type());
    else if (find_import_row(node.op_type()) == nullptr) out.insert(node.op_type());
  }
  return out;
}

onnx::ModelProto parse_model(std::string_view bytes) {
  onnx::ModelProto proto;
  require(bytes.size() <= INT32_MAX &&
              proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
          "truncated, corrupt, or not an ONNX model");
  require(proto.has_graph() && proto.graph().node_size() + proto.graph().output_size() > 0,
          "not an ONNX model");
  return proto;
}

TensorType declared_type(const onnx::ValueInfoProto& info) {
  require(info.type().has_tensor_type() && info.type().tensor_type().has_shape(),
          "input '{}': expected a tensor with a shape", info.name());
  const auto& tensor = info.type().tensor_type();
  std::vector<int64_t> dims;
  for (const auto& dim : tensor.shape().dim()) {
    if (dim.has_dim_value() && dim.dim_value() > 0) {
      dims.push_back(dim.dim_value());
      continue;
    }
    require(!dim.has_dim_value() || dim.dim_value() == -1, "input '{}': extent {} is not positive",
            info.name(), dim.dim_value());
    if (!dims.empty())
      fail(ErrorKind::Unsupported, "input '{}': only axis 0 may be symbolic, found axis {}",
           info.name(), dims.size());
    dims.push_back(kBatch);
  }
  try {
    return {dtype_from_onnx(tensor.elem_type()), Shape(dims)};
  } catch (const Error& e) {
    fail(e.kind(), "input '{}': {}", info.name(), e.what());
  }
}

}  // namespace

OnnxImporter::OnnxImporter(const onnx::ModelProto& proto, std::string_view name)
    : proto_(proto),
      model_{ir::Graph(proto.graph().name().empty() ? std::string(name) : proto.graph().name()),
             {}} {}

void OnnxImporter::read_opset() {
  for (const auto& opset : proto_.opset_import())
    if (is_standard(opset.domain())) opset_ = opset.version();
  require(opset_ != 0, "the model names no opset");
  if (opset_ < kLowestOpset || opset_ > kHighestOpset)
    fail(ErrorKind::Unsupported, "opset {} is not supported: expected {} to {}", opset_,
         kLowestOpset, kHighestOpset);
}

void OnnxImporter::refuse_unsupported() const {
  const std::set<std::string> unknown = unsupported_ops(proto_.graph());
  if (!unknown.empty())
    fail(ErrorKind::Unsupported, "unsupported ops: {}", fmt::join(unknown, ", "));
  if (proto_.graph().sparse_initializer_size() > 0)
    fail(ErrorKind::Unsupported, "sparse initializers are not supported");
}

void OnnxImporter::define(const std::string& name, OnnxValue value) {
  if (value.tensor.defined()) {
    value.numbers = as_numbers(value.tensor);
    value.is_scalar = value.tensor.shape().rank() == 0;
  }
  require(!name.empty() && values_.try_emplace(name, std::move(value)).second,
          "value '{}' is given twice", name);
}

void OnnxImporter::declare_inputs() {
  std::set<std::string> initialised;
  for (const auto& t : proto_.graph().initializer()) initialised.insert(t.name());
  // Older files list initializers among the inputs.
  for (const auto& info : proto_.graph().input())
    if (!initialised.contains(info.name()))
      define(info.name(), {graph().input(info.name(), declared_type(info))});
}

void OnnxImporter::declare_state(const std::string& name, Tensor value, bool trainable) {
  define(name, OnnxValue{graph().state(name, value.type(), trainable), value});
  model_.states[name] = std::move(value);
}

void OnnxImporter::declare_initializers() {
  json own = json::object();
  for (const auto& entry : proto_.metadata_props())
    if (entry.key() == kStatesKey) own = json::parse(entry.value(), nullptr, false);
  require(own.is_object(), "metadata '{}' is no JSON object", kStatesKey);
  // Running statistics are states that no gradient reaches.
  std::set<std::string> statistics;
  for (const auto& node : proto_.graph().node())
    if (node.op_type() == "BatchNormalization")
      for (int i = 3; i < std::min(node.input_size(), 5); ++i) statistics.insert(node.input(i));

  for (const auto& proto : proto_.graph().initializer()) {
    Tensor value = from_proto(proto);
    const std::string& name = proto.name();
    const auto known = own.find(name);
    if (known != own.end()) {
      require(known->is_boolean(), "metadata '{}': '{}' is no boolean", kStatesKey, name);
      declare_state(name, std::move(value), known->get<bool>());
    } else if (own.empty() && is_float(value.dtype()) && value.shape().rank() > 0) {
      declare_state(name, std::move(value), !statistics.contains(name));
    } else {
      OnnxValue constant{ir::kNoValue, std::move(value)};
      constant.name = name;
      define(name, std::move(constant));
    }
  }
}

void OnnxImporter::read_nodes() {
  for (const auto& node : proto_.graph().node()) {
    try {
      find_import_row(node.op_type())->read(*this, node);
    } catch (const Error& e) {
      fail(e.kind(), "node '{}' ({}): {}", node.name(), node.op_type(), e.what());
    }
  }
}

void OnnxImporter::read_outputs() {
  require(proto_.graph().output_size() > 0, "the model has no output");
  for (const auto& info : proto_.graph().output()) {
    const auto at = values_.find(info.name());
    require(at != values_.end(), "output '{}' is given by no node", info.name());
    const ir::ValueId v = materialise(at->first, at->second);
    const int32_t declared = info.type().tensor_type().elem_type();
    require(declared == 0 || declared == onnx_dtype(graph().type(v).dtype),
            "output '{}': the model declares another dtype than {}", info.name(),
            name_of(graph().type(v).dtype));
    graph().output(info.name(), v);
  }
}

void OnnxImporter::read_metadata() {
  for (const auto& entry : proto_.metadata_props()) {
    if (entry.key() == kStatesKey) continue;
    if (entry.key() != kLabelsKey) {
      model_.metadata[entry.key()] = entry.value();
      continue;
    }
    const json labels = json::parse(entry.value(), nullptr, false);
    const bool strings = labels.is_array() && std::all_of(labels.begin(), labels.end(),
                                                          [](auto& l) { return l.is_string(); });
    require(strings, "metadata '{}' is no JSON list of strings", kLabelsKey);
    model_.labels = labels.get<std::vector<std::string>>();
  }
}

OnnxModel OnnxImporter::run() {
  read_opset();
  refuse_unsupported();
  declare_inputs();
  declare_initializers();
  read_nodes();
  read_outputs();
  read_metadata();
  return std::move(model_);
}

bool OnnxImporter::has(const onnx::NodeProto& node, int i) const {
  return i < node.input_size() && !node.input(i).empty();
}

const OnnxValue& OnnxImporter::input(const onnx::NodeProto& node, int i) const {
  require(has(node, i), "input {} is missing", i);
  const auto at = values_.find(node.input(i));
  require(at != values_.end(), "input '{}' is given by nothing before it", node.input(i));
  return at->second;
}

ir::ValueId OnnxImporter::value(const onnx::NodeProto& node, int i) {
  input(node, i);
  return materialise(node.input(i), values_.at(node.input(i)));
}

ir::ValueId OnnxImporter::materialise(const std::string& name, OnnxValue& v) {
  if (v.value != ir::kNoValue) return v.value;
  if (!v.tensor.defined())
    fail(ErrorKind::Unsupported, "'{}' is the run-time shape of a tensor, used as data", name);
  return v.value = graph().constant(v.tensor, v.name);
}

const Tensor& OnnxImporter::tensor(const onnx::NodeProto& node, int i) const {
  const Tensor& t = input(node, i).tensor;
  if (!t.defined())
    fail(ErrorKind::Unsupported, "input '{}' must be constant, but is computed", node.input(i));
  return t;
}

std::vector<int64_t> OnnxImporter::numbers(const onnx::NodeProto& node, int i) const {
  const auto& numbers = input(node, i).numbers;
  if (!numbers) fail(ErrorKind::Unsupported, "input '{}' must be constant integers", node.input(i));
  return *numbers;
}

const std::string& OnnxImporter::node_name(const onnx::NodeProto& node) const {
  const bool own = proto_.producer_name() == kOnnxProducer;
  return own && !node.doc_string().empty() ? node.doc_string() : node.name();
}

ir::ValueId OnnxImporter::add(const onnx::NodeProto& node, const ir::OpSpec& op,
                              std::vector<ir::ValueId> operands, ir::Attrs attrs) {
  return graph().add(op, std::move(operands), std::move(attrs), node_name(node));
}

ir::ValueId OnnxImporter::scalar(DType dtype, double value) {
  return graph().constant(Tensor::from<double>({}, {value}).cast(dtype));
}

void OnnxImporter::bind(const onnx::NodeProto& node, OnnxValue value) {
  require(node.output_size() > 0, "the node has no output");
  define(node.output(0), std::move(value));
}

const OnnxImportRow* find_import_row(std::string_view op_type) {
  static const std::vector<OnnxImportRow> rows = [] {
    std::vector<OnnxImportRow> all;
    for (const auto& part : {onnx_elementwise_rows(), onnx_shape_rows(), onnx_layer_rows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  for (const OnnxImportRow& row : rows)
    if (row.op_type == op_type) return &row;
  return nullptr;
}

OnnxModel import_onnx(std::string_view bytes, std::string_view name) {
  try {
    const onnx::ModelProto proto = parse_model(bytes);
    return OnnxImporter(proto, name).run();
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

OnnxOutline outline_onnx(const std::string& path) {
  const std::string bytes = read_file(path);
  try {
    const onnx::ModelProto proto = parse_model(bytes);
    OnnxOutline out;
    out.nodes = proto.graph().node_size();
    for (const auto& t : proto.graph().initializer())
      if (const Tensor value = from_proto(t); is_float(value.dtype()))
        out.parameters += value.elements();
    const std::set<std::string> unknown = unsupported_ops(proto.graph());
    out.unsupported.assign(unknown.begin(), unknown.end());
    return out;
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", path, e.what());
  }
}

OnnxModel load_onnx(const std::string& path) { return import_onnx(read_file(path), path); }

}  // namespace hone::io

// The frame of an import: the file's checks, inputs, initializers, outputs and metadata. What
// single ops become is in onnx_import_*.cc.
#include "io/onnx_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "io/onnx_importer.h"
#include "io/onnx_unknown_fields.h"

namespace hone::io {
namespace {

using nlohmann::json;

// The opsets whose meaning the rows know.
constexpr int64_t kLowestOpset = 6;
constexpr int64_t kHighestOpset = 23;

bool is_float(int32_t dtype) {
  return dtype == onnx::TensorProto::FLOAT || dtype == onnx::TensorProto::DOUBLE;
}

// The input's declared type, with what the options say of its shape.
TensorType input_type(const onnx::ValueInfoProto& info, const ImportOptions& options) {
  if (!info.type().has_tensor_type())
    fail(ErrorKind::Unsupported, "sequences, maps and optional values are not supported");
  const auto& tensor = info.type().tensor_type();
  const DType dtype = dtype_from_onnx(tensor.elem_type());
  const auto given = options.inputs.find(info.name());
  require(tensor.has_shape() || given != options.inputs.end(), "expected a tensor with a shape");
  if (!tensor.has_shape()) return {dtype, given->second};
  std::vector<int64_t> dims = declared_extents(tensor, options.dims);
  for (int64_t d : dims) require(d >= 0 || d == kBatch, "extent {} is negative", d);
  if (given != options.inputs.end()) {
    const Shape& shape = given->second;
    bool fits = shape.rank() == static_cast<int>(dims.size());
    for (int i = 0; fits && i < shape.rank(); ++i)
      fits = dims[static_cast<size_t>(i)] == kBatch || dims[static_cast<size_t>(i)] == shape[i];
    require(fits, "the model declares {}, the shape given is {}", Shape(dims), shape);
    dims = shape.dims();
  }
  for (size_t i = 1; i < dims.size(); ++i)
    if (dims[i] == kBatch)
      fail(ErrorKind::Unsupported, "axis {} is symbolic: give its extent (only axis 0 may be open)",
           i);
  return {dtype, Shape(dims)};
}

}  // namespace

OnnxImporter::OnnxImporter(const OnnxFile& file, std::string_view name,
                           const ImportOptions& options, const std::set<std::string>& known)
    : file_(file),
      proto_(file.proto()),
      options_(options),
      known_(known),
      model_{ir::Graph(proto_.graph().name().empty() ? std::string(name) : proto_.graph().name()),
             {}},
      is_own_(proto_.producer_name() == kOnnxProducer) {}

int64_t OnnxImporter::opset_of(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& opsets) const {
  for (const auto& opset : opsets) {
    if (!is_standard(opset.domain())) continue;
    if (opset.version() < kLowestOpset || opset.version() > kHighestOpset)
      fail(ErrorKind::Unsupported, "opset {} is not supported: expected {} to {}", opset.version(),
           kLowestOpset, kHighestOpset);
    return opset.version();
  }
  return 0;
}

void OnnxImporter::declare_functions() {
  for (const auto& f : proto_.functions())
    require(functions_.try_emplace({f.domain(), f.name()}, &f).second,
            "function '{}' of domain '{}' is given twice", f.name(), f.domain());
}

void OnnxImporter::define(const std::string& name, OnnxValue value) {
  require(!name.empty() && values_.try_emplace(name, std::move(value)).second,
          "value '{}' is given twice", name);
}

void OnnxImporter::declare_inputs() {
  std::set<std::string> initialised;
  for (const auto& t : proto_.graph().initializer()) initialised.insert(t.name());
  std::set<std::string> open;
  for (const auto& info : proto_.graph().input()) {
    // Older files list initializers among the inputs.
    if (initialised.contains(info.name())) continue;
    for (const auto& dim : info.type().tensor_type().shape().dim())
      if (!dim.dim_param().empty()) open.insert(dim.dim_param());
    declare_input(info);
  }
  for (const auto& [name, extent] : options_.dims)
    require(open.contains(name), "no input has an open dimension '{}': expected {}", name,
            open.empty() ? "none" : fmt::format("'{}'", fmt::join(open, "', '")));
  for (const auto& [name, shape] : options_.inputs)
    require(graph().find_input(name) != ir::kNoValue || values_.contains(name),
            "the model has no input '{}', whose shape is given", name);
}

void OnnxImporter::declare_input(const onnx::ValueInfoProto& info) {
  const std::string& name = info.name();
  try {
    const TensorType type = input_type(info, options_);
    if (!known_.contains(name)) return define(name, OnnxValue{graph().input(name, type)});
    const Tensor& value = options_.values.at(name);
    require(value.type() == type, "expected {}, found {}", type, value.type());
    declare_constant(name, value);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::Unsupported) fail(e.kind(), "input '{}': {}", name, e.what());
    unsupported_.push_back({name, "input", 0, e.what()});
    OnnxValue value;
    value.is_unsupported = true;
    define(name, std::move(value));
  }
}

void OnnxImporter::declare_state(const std::string& name, Tensor value, bool trainable) {
  const ir::ValueId v = graph().state(name, value.type(), trainable);
  facts_.resize(graph().values().size());
  facts_[static_cast<size_t>(v)].contents = value;
  facts_[static_cast<size_t>(v)].varies = true;
  define(name, OnnxValue{v});
  model_.states[name] = std::move(value);
}

void OnnxImporter::declare_constant(const std::string& name, Tensor value) {
  OnnxValue constant{ir::kNoValue, std::move(value)};
  constant.name = name;
  define(name, std::move(constant));
}

namespace {

/// What bytes are multiplied by, or numbers divided, is part of the network and not learnt.
std::set<std::string> quantisation_scales(const onnx::GraphProto& graph) {
  static const std::map<std::string, std::vector<int>> places = {{"QuantizeLinear", {1}},
                                                                 {"DequantizeLinear", {1}},
                                                                 {"QLinearConv", {1, 4, 6}},
                                                                 {"QLinearMatMul", {1, 4, 6}}};
  std::set<std::string> names;
  for (const auto& node : graph.node())
    if (const auto at = places.find(node.op_type()); at != places.end())
      for (int i : at->second)
        if (i < node.input_size()) names.insert(node.input(i));
  return names;
}

}  // namespace

void OnnxImporter::declare_initializers() {
  if (proto_.graph().sparse_initializer_size() > 0)
    fail(ErrorKind::Unsupported, "sparse initializers are not supported");
  json own = json::object();
  for (const auto& entry : proto_.metadata_props())
    if (entry.key() == kStatesKey) own = json::parse(entry.value(), nullptr, false);
  require(own.is_object(), "metadata '{}' is no JSON object", kStatesKey);
  // Running statistics are states that no gradient reaches.
  std::set<std::string> statistics;
  for (const auto& node : proto_.graph().node())
    if (node.op_type() == "BatchNormalization")
      for (int i = 3; i < std::min(node.input_size(), 5); ++i) statistics.insert(node.input(i));

  const std::set<std::string> scales = quantisation_scales(proto_.graph());

  for (const auto& proto : proto_.graph().initializer()) {
    const std::string& name = proto.name();
    const auto known = own.find(name);
    try {
      if (known != own.end()) {
        require(known->is_boolean(), "metadata '{}': '{}' is no boolean", kStatesKey, name);
        declare_state(name, file_.initializer(proto), known->get<bool>());
      } else if (own.empty() && proto.data_type() == onnx::TensorProto::FLOAT &&
                 proto.dims_size() > 0 && !scales.contains(name)) {
        declare_state(name, file_.initializer(proto), !statistics.contains(name));
      } else {
        declare_constant(name, file_.initializer(proto));
      }
    } catch (const Error& e) {
      if (e.kind() != ErrorKind::Unsupported) throw;
      unsupported_.push_back({name, "initializer", 0, e.what()});
      OnnxValue value;
      value.is_unsupported = true;
      define(name, std::move(value));
    }
  }
}

void OnnxImporter::read_outputs() {
  require(proto_.graph().output_size() > 0, "the model has no output");
  for (const auto& info : proto_.graph().output()) {
    const auto at = values_.find(info.name());
    require(at != values_.end(), "output '{}' is given by no node", info.name());
    if (at->second.is_unsupported) continue;
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

void OnnxImporter::read() {
  refuse_unknown_fields(proto_);
  opset_ = opset_of(proto_.opset_import());
  const auto is_standard_node = [](const auto& node) { return is_standard(node.domain()); };
  require(opset_ != 0 || std::none_of(proto_.graph().node().begin(), proto_.graph().node().end(),
                                      is_standard_node),
          "the model names no opset");
  declare_functions();
  declare_inputs();
  declare_initializers();
  read_nodes(proto_.graph().node());
  read_outputs();
  follow_new_nodes();
  read_metadata();
}

OnnxModel OnnxImporter::finish() {
  if (!unsupported_.empty())
    fail(ErrorKind::Unsupported, "hone cannot run the model: {}", to_string(unsupported_));
  model_.graph = settled();
  std::erase_if(model_.states,
                [&](const auto& state) { return graph().find_state(state.first) == ir::kNoValue; });
  return std::move(model_);
}

namespace {

// Reads the file; again, with more inputs as constants, where shapes depend on inputs whose
// contents are given.
OnnxImporter read_all(const OnnxFile& file, std::string_view name, const ImportOptions& options,
                      std::set<std::string>& known) {
  while (true) {
    OnnxImporter importer(file, name, options, known);
    importer.read();
    const size_t before = known.size();
    for (const std::string& wanted : importer.wanted())
      if (options.values.contains(wanted)) known.insert(wanted);
    if (known.size() == before) return importer;
  }
}

}  // namespace

OnnxModel import_onnx(const OnnxFile& file, std::string_view name, const ImportOptions& options) {
  try {
    std::set<std::string> known;
    return read_all(file, name, options, known).finish();
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

OnnxModel import_onnx(std::string_view bytes, std::string_view name, const ImportOptions& options) {
  std::optional<OnnxFile> file;
  try {
    file.emplace(bytes);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
  return import_onnx(*file, name, options);
}

OnnxModel load_onnx(const std::string& path, const ImportOptions& options) {
  return OnnxSource::open(path).import(options);
}

OnnxOutline outline_onnx(const std::string& path, const ImportOptions& options) {
  const OnnxFile file = OnnxFile::open(path);
  try {
    const onnx::GraphProto& graph = file.proto().graph();
    OnnxOutline out;
    for (const auto& node : graph.node())
      if (node.op_type() != "Constant") ++out.operators;
    for (const auto& t : graph.initializer())
      if (is_float(t.data_type())) out.parameters += type_from_proto(t).shape.elements();
    std::set<std::string> known;
    out.unsupported = read_all(file, path, options, known).unsupported();
    return out;
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", path, e.what());
  }
}

}  // namespace hone::io

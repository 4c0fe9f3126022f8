// The frame of an export: names, inputs, initializers, outputs and metadata. What single ops become
// is in onnx_export_ops.cc, what several are together in onnx_export_composites.cc.
#include "io/onnx_export.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/onnx_emitter.h"
#include "io/onnx_export_composites.h"

namespace hone::io {
namespace {

void declare(onnx::ValueInfoProto& info, const std::string& name, const TensorType& type) {
  info.set_name(name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx_dtype(type.dtype));
  auto* shape = tensor->mutable_shape();
  for (int64_t d : type.shape.dims()) {
    if (d == kBatch) shape->add_dim()->set_dim_param(std::string(kOnnxBatch));
    else shape->add_dim()->set_dim_value(d);
  }
}

std::string unique(std::set<std::string>& taken, std::string_view wish) {
  std::string name(wish);
  for (int i = 2; !taken.insert(name).second; ++i) name = fmt::format("{}_{}", wish, i);
  return name;
}

}  // namespace

OnnxEmitter::OnnxEmitter(const OnnxModel& model, int64_t opset)
    : model_(model), opset_(opset), out_(proto_.mutable_graph()) {
  require(model.graph.updates().empty(),
          "graph '{}' updates states: only an inference graph can be exported", model.graph.name());
  require(opset >= kLowestWrittenOpset && opset <= kHighestWrittenOpset,
          "opset {}: expected one from {} to {}", opset, kLowestWrittenOpset, kHighestWrittenOpset);
  proto_.set_ir_version(kOnnxIrVersion);
  proto_.set_producer_name(std::string(kOnnxProducer));
  auto* import = proto_.add_opset_import();
  import->set_domain("");
  import->set_version(opset);
  out_->set_name(model.graph.name());
}

std::vector<std::string> OnnxEmitter::operands(const ir::Node& node) const {
  std::vector<std::string> out;
  for (ir::ValueId v : node.operands) out.push_back(names_.at(v));
  return out;
}

onnx::NodeProto& OnnxEmitter::emit(std::string_view op_type, const ir::Node& node,
                                   std::vector<std::string> inputs, std::string output) {
  onnx::NodeProto& proto = *out_->add_node();
  name_node(proto, node.name);
  proto.set_op_type(std::string(op_type));
  for (std::string& name : inputs) proto.add_input(std::move(name));
  proto.add_output(std::move(output));
  return proto;
}

onnx::NodeProto& OnnxEmitter::emit(std::string_view op_type, const ir::Node& node) {
  return emit(op_type, node, operands(node), result(node));
}

std::string OnnxEmitter::constant(const Tensor& value, std::string_view name) {
  std::string unique = fresh(name);
  onnx::NodeProto& proto = *out_->add_node();
  name_node(proto, name);
  proto.set_op_type("Constant");
  proto.add_output(unique);
  *add_attribute(proto, "value", onnx::AttributeProto::TENSOR).mutable_t() = to_proto(value, "");
  return unique;
}

std::string OnnxEmitter::integers(const std::vector<int64_t>& values, std::string_view name) {
  return constant(Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values), name);
}

std::string OnnxEmitter::fresh(std::string_view wish) { return unique(taken_, wish); }

void OnnxEmitter::name_node(onnx::NodeProto& proto, std::string_view name) {
  if (name.empty()) return;
  proto.set_name(unique(node_names_, name));
  if (proto.name() != name) proto.set_doc_string(std::string(name));
}

std::string OnnxEmitter::extent(const ir::Node& node, const std::string& value, int64_t axis) {
  std::string name = fresh(result(node) + ".extent");
  onnx::NodeProto& shape = emit("Shape", node, {value}, name);
  set_int(shape, "start", axis);
  set_int(shape, "end", axis + 1);
  return name;
}

const std::string& OnnxEmitter::batch_value() const {
  for (ir::ValueId v : model_.graph.inputs())
    if (graph().shape(v).rank() > 0 && graph().shape(v)[0] == kBatch) return names_.at(v);
  fail(ErrorKind::InvalidInput, "graph '{}' has a symbolic batch that no input has",
       graph().name());
}

void OnnxEmitter::declare_sources() {
  const auto claim = [&](const std::string& name) {
    require(!name.empty(), "an input or state without a name cannot be exported");
    require(taken_.insert(name).second, "two inputs or states are named '{}'", name);
  };
  for (ir::ValueId v : graph().inputs()) {
    const std::string& name = graph().producer(v).name;
    claim(name);
    names_[v] = name;
    declare(*out_->add_input(), name, graph().type(v));
  }
  nlohmann::json trainable = nlohmann::json::object();
  for (ir::ValueId v : graph().states()) {
    const ir::Node& node = graph().producer(v);
    claim(node.name);
    names_[v] = node.name;
    const auto value = model_.states.find(node.name);
    require(value != model_.states.end(), "state '{}' has no value", node.name);
    require(value->second.type() == graph().type(v), "state '{}': expected {}, found {}", node.name,
            graph().type(v), value->second.type());
    *out_->add_initializer() = header_of(value->second.type(), node.name);
    initializers_.push_back(value->second);
    trainable[node.name] = node.attrs.flag("trainable");
  }
  std::map<std::string, std::string> metadata = model_.metadata;
  if (!model_.labels.empty())
    metadata[std::string(kLabelsKey)] = nlohmann::json(model_.labels).dump();
  metadata[std::string(kStatesKey)] = trainable.dump();
  for (const auto& [key, value] : metadata) {
    auto* entry = proto_.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
}

// An output's name is its value's name, where the value is not a source and has no other.
void OnnxEmitter::name_results() {
  for (const ir::Output& o : graph().outputs()) {
    require(taken_.insert(o.name).second, "output '{}' has the name of an input or state", o.name);
    if (graph().producer(o.value).op->op_class != ir::OpClass::source)
      names_.try_emplace(o.value, o.name);
  }
  for (const ir::Node& node : graph().nodes())
    for (ir::ValueId v : node.results)
      if (!names_.contains(v)) names_[v] = fresh(node.name.empty() ? node.op->name : node.name);
}

void OnnxEmitter::finish_outputs() {
  for (const ir::Output& o : graph().outputs()) {
    const std::string& name = names_.at(o.value);
    if (name != o.name) {
      onnx::NodeProto& copy = *out_->add_node();
      copy.set_op_type("Identity");
      copy.add_input(name);
      copy.add_output(o.name);
    }
    declare(*out_->add_output(), o.name, graph().type(o.value));
  }
}

OnnxMessage OnnxEmitter::run() {
  declare_sources();
  name_results();
  const OnnxComposites composites = find_composites(graph());
  for (size_t n = 0; n < graph().nodes().size(); ++n) {
    const ir::Node& node = graph().nodes()[n];
    const auto id = static_cast<ir::NodeId>(n);
    if (composites.absorbed.contains(id)) continue;
    if (const auto whole = composites.last.find(id); whole != composites.last.end()) {
      whole->second(*this, node);
      continue;
    }
    const OnnxExportRow* row = find_export_row(*node.op);
    if (row == nullptr || row->emit == nullptr)
      fail(ErrorKind::Unsupported, "{} '{}' cannot be written as ONNX: {}", node.op->name,
           node.name, row == nullptr ? "it is a user's op" : row->text);
    row->emit(*this, node);
  }
  finish_outputs();
  return {std::move(proto_), std::move(initializers_)};
}

std::string export_onnx(const OnnxModel& model, int64_t opset) {
  OnnxMessage message = OnnxEmitter(model, opset).run();
  if (message.bytes() > kMostOnnxBytes)
    fail(ErrorKind::Unsupported, "the model has {} bytes: an ONNX file holds at most {}",
         message.bytes(), kMostOnnxBytes);
  return onnx_bytes(std::move(message));
}

void save_onnx(const std::string& path, const OnnxModel& model, const OnnxSaveOptions& options) {
  write_onnx(path, OnnxEmitter(model, options.opset).run(), options.external_data);
}

}  // namespace hone::io

// Nodes that stand for other nodes: calls of the model's own functions, and an If whose condition
// is known. Their nodes are read in place.
#include <utility>

#include "base/error.h"
#include "io/onnx_importer.h"

namespace hone::io {
namespace {

constexpr int kMaxDepth = 64;

/// Another value for a variable until the end of the block, however that is reached.
template <class T>
class Temporarily {
 public:
  Temporarily(T& at, T value) : at_(at), around_(std::exchange(at, std::move(value))) {}
  ~Temporarily() { at_ = std::move(around_); }
  Temporarily(const Temporarily&) = delete;
  Temporarily& operator=(const Temporarily&) = delete;

 private:
  T& at_;
  T around_;
};

/// The values that the node's outputs stand for, by their names in what is read in its place.
template <class NameOf>
std::vector<OnnxValue> given(const std::map<std::string, OnnxValue>& values, int count,
                             std::string_view what, NameOf name_of) {
  std::vector<OnnxValue> out;
  for (int i = 0; i < count; ++i) {
    const auto at = values.find(name_of(i));
    require(at != values.end(), "the {}'s output '{}' is given by no node", what, name_of(i));
    out.push_back(at->second);
  }
  return out;
}

bool refers_to_attributes(const onnx::GraphProto& graph);

bool refers_to_attributes(const onnx::NodeProto& node) {
  for (const auto& a : node.attribute())
    if (!a.ref_attr_name().empty() || (a.has_g() && refers_to_attributes(a.g()))) return true;
  return false;
}

bool refers_to_attributes(const onnx::GraphProto& graph) {
  for (const auto& node : graph.node())
    if (refers_to_attributes(node)) return true;
  return false;
}

void give_attributes(const onnx::NodeProto& call, onnx::GraphProto& graph);

// Replaces attributes that name one of the call's by it; one that the call does not give goes.
void give_attributes(const onnx::NodeProto& call, onnx::NodeProto& node) {
  onnx::NodeProto given;
  for (auto& a : *node.mutable_attribute()) {
    if (a.ref_attr_name().empty()) {
      if (a.has_g()) give_attributes(call, *a.mutable_g());
      *given.add_attribute() = a;
    } else if (const auto* actual = find_attribute(call, a.ref_attr_name())) {
      onnx::AttributeProto& copy = *given.add_attribute();
      copy = *actual;
      copy.set_name(a.name());
    }
  }
  node.mutable_attribute()->Swap(given.mutable_attribute());
}

void give_attributes(const onnx::NodeProto& call, onnx::GraphProto& graph) {
  for (auto& node : *graph.mutable_node()) give_attributes(call, node);
}

// The branch is known where the condition is: a constant, or computed from shapes.
void if_known(OnnxImporter& in, const onnx::NodeProto& n) {
  const std::optional<Tensor> condition = in.known(n, 0);
  if (!condition) fail(ErrorKind::Unsupported, "control flow: the condition is computed");
  require(condition->dtype() == DType::boolean && condition->elements() == 1,
          "expected one boolean as the condition, found {}", condition->type());
  const auto* branch =
      find_attribute(n, condition->data<bool>()[0] ? "then_branch" : "else_branch");
  require(branch != nullptr && branch->has_g(), "a branch is missing");
  in.inline_graph(n, branch->g());
}

}  // namespace

void OnnxImporter::inline_graph(const onnx::NodeProto& node, const onnx::GraphProto& graph) {
  require(depth_ < kMaxDepth, "branches and functions nest deeper than {}", kMaxDepth);
  require(graph.output_size() >= node.output_size(), "the branch has {} outputs, the node {}",
          graph.output_size(), node.output_size());
  std::vector<OnnxValue> outputs;
  {
    const Temporarily depth(depth_, depth_ + 1);
    const Temporarily inside(values_, values_);
    for (const auto& t : graph.initializer()) declare_constant(t.name(), contents(t));
    read_nodes(graph.node());
    outputs =
        given(values_, node.output_size(), "branch", [&](int i) { return graph.output(i).name(); });
  }
  for (int i = 0; i < node.output_size(); ++i) bind(node, i, outputs[static_cast<size_t>(i)]);
}

void OnnxImporter::inline_function(const onnx::NodeProto& node,
                                   const onnx::FunctionProto& function) {
  require(depth_ < kMaxDepth, "functions nest deeper than {}, or one calls itself", kMaxDepth);
  require(
      node.input_size() <= function.input_size() && node.output_size() <= function.output_size(),
      "the function takes {} inputs and gives {} outputs, the node has {} and {}",
      function.input_size(), function.output_size(), node.input_size(), node.output_size());
  std::map<std::string, OnnxValue> formals;
  for (int i = 0; i < node.input_size(); ++i)
    if (has(node, i)) formals[function.input(i)] = input(node, i);
  const int64_t opset = opset_of(function.opset_import());
  onnx::FunctionProto with_attributes;
  const bool refers = std::any_of(function.node().begin(), function.node().end(),
                                  [](const auto& n) { return refers_to_attributes(n); });
  if (refers) {
    with_attributes = function;
    for (auto& inner : *with_attributes.mutable_node()) give_attributes(node, inner);
  }

  std::vector<OnnxValue> outputs;
  {
    const Temporarily depth(depth_, depth_ + 1);
    const Temporarily inside(values_, std::move(formals));
    const Temporarily version(opset_, opset == 0 ? opset_ : opset);
    const Temporarily names(prefix_, prefix_ + node.name() + "/");
    read_nodes(refers ? with_attributes.node() : function.node());
    outputs =
        given(values_, node.output_size(), "function", [&](int i) { return function.output(i); });
  }
  for (int i = 0; i < node.output_size(); ++i) bind(node, i, outputs[static_cast<size_t>(i)]);
}

std::vector<OnnxImportRow> onnx_control_rows() { return {{"If", if_known}}; }

}  // namespace hone::io

// The interpreter: walks a graph in order and computes each node with its scalar reference. A fused
// node is its body, interpreted; a contraction with an epilogue is the bare contraction into a
// temporary, then the epilogue's body.
#include "kernels/interpreter.h"

#include <cstring>

#include "base/error.h"
#include "base/function_ref.h"

namespace hone::kernels {
namespace {

using ir::Graph;
using ir::Node;
using ir::ValueId;

TensorType held_type(TensorType type, bool in_double) {
  if (in_double && type.dtype == DType::f32) type.dtype = DType::f64;
  return type;
}

View view_of(Tensor& tensor) { return {tensor.raw(), &tensor.type()}; }

/// Every value of a graph, but for those that nothing reads any more. `source` gives the tensor of
/// an input or a state.
std::vector<Tensor> evaluate(const Graph& graph, FunctionRef<Tensor(const Node&)> source,
                             bool in_double) {
  std::vector<Tensor> tensors(graph.values().size());
  std::vector<int> uses = graph.use_counts();
  const auto tensor = [&](ValueId v) -> Tensor& { return tensors[static_cast<size_t>(v)]; };
  for (const Node& node : graph.nodes()) {
    if (node.is(ir::op::constant)) {
      const Tensor& value = node.attrs.get<Tensor>("value");
      const DType dtype = held_type(value.type(), in_double).dtype;
      tensor(node.results[0]) = value.dtype() == dtype ? value : value.cast(dtype);
      continue;
    }
    if (node.op->op_class == ir::OpClass::source) {
      tensor(node.results[0]) = source(node);
      continue;
    }
    std::vector<View> operands, results;
    for (ValueId v : node.operands) operands.push_back(view_of(tensor(v)));
    for (ValueId v : node.results) {
      const TensorType type = held_type(graph.type(v), in_double);
      require(type.shape.is_static(), "{} '{}': cannot compute a value of type {}", node.op->name,
              node.name, type);
      tensor(v) = Tensor(type.dtype, type.shape);
      results.push_back(view_of(tensor(v)));
    }
    run_reference_node({&node, operands, results}, in_double);
    for (ValueId v : node.operands)
      if (--uses[static_cast<size_t>(v)] == 0) tensor(v) = {};
  }
  return tensors;
}

/// Computes a fused body: its inputs are the operands in order, its outputs the results.
void run_body(const Graph& body, std::span<const View> operands, std::span<const View> results,
              bool in_double) {
  size_t next = 0;
  const auto operand = [&](const Node& node) {
    invariant(next < operands.size(), "body '{}' reads '{}', which is no operand", body.name(),
              node.name);
    const View& from = operands[next++];
    Tensor copy(from.type->dtype, from.type->shape);
    std::memcpy(copy.raw(), from.data, static_cast<size_t>(copy.bytes()));
    return copy;
  };
  const std::vector<Tensor> tensors = evaluate(body, operand, in_double);
  for (size_t i = 0; i < results.size(); ++i) {
    const Tensor& from = tensors[static_cast<size_t>(body.outputs()[i].value)];
    std::memcpy(results[i].data, from.raw(), static_cast<size_t>(from.bytes()));
  }
}

void run_with_epilogue(const RefCall& call, bool in_double) {
  Node bare = *call.node;
  bare.operands.resize(2);
  bare.attrs.erase("epilogue");
  const Graph& body = *call.attrs().get<ir::Region>("epilogue");
  const DType sums = held_type(body.type(body.inputs().at(0)), in_double).dtype;
  Tensor contraction(sums, call.results[0].shape());
  const View temporary = view_of(contraction);
  run_reference({&bare, call.operands.first(2), {&temporary, 1}}, in_double);

  std::vector<View> operands = {temporary};
  operands.insert(operands.end(), call.operands.begin() + 2, call.operands.end());
  run_body(body, operands, call.results, in_double);
}

/// The tensor for an input or a state, checked and converted to how it is held.
Tensor given(const Node& node, const TensorType& declared,
             const std::map<std::string, Tensor>& tensors, bool in_double) {
  const auto found = tensors.find(node.name);
  require(found != tensors.end(), "{} '{}' is missing: expected {}", node.op->name, node.name,
          declared);
  const Tensor& tensor = found->second;
  const TensorType held = held_type(declared, in_double);
  require(tensor.type() == declared || tensor.type() == held, "{} '{}': expected {}, found {}",
          node.op->name, node.name, declared, tensor.type());
  return tensor.dtype() == held.dtype ? tensor : tensor.cast(held.dtype);
}

}  // namespace

void run_reference_node(const RefCall& call, bool in_double) {
  if (call.node->is(ir::op::fused))
    run_body(*call.attrs().get<ir::Region>("body"), call.operands, call.results, in_double);
  else if (call.attrs().has("epilogue")) run_with_epilogue(call, in_double);
  else run_reference(call, in_double);
}

Evaluation interpret(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                     const std::map<std::string, Tensor>& states, bool in_double) {
  const auto source = [&](const Node& node) {
    const std::map<std::string, Tensor>& tensors = node.is(ir::op::input) ? inputs : states;
    return given(node, graph.type(node.results[0]), tensors, in_double);
  };
  const std::vector<Tensor> tensors = evaluate(graph, source, in_double);
  Evaluation out;
  for (const ir::Output& o : graph.outputs())
    out.outputs[o.name] = tensors[static_cast<size_t>(o.value)];
  for (const ir::Update& u : graph.updates())
    out.updates[graph.producer(u.state).name] = tensors[static_cast<size_t>(u.value)];
  return out;
}

}  // namespace hone::kernels

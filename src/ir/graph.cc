// Building and reading a graph.
#include "ir/graph.h"

#include "base/dtype.h"
#include "base/error.h"
#include "ir/infer.h"

namespace hone::ir {

std::vector<TensorType> infer(const OpSpec& op, std::span<const TensorType> operands,
                              const Attrs& attrs, std::string_view name) {
  const int n = static_cast<int>(operands.size());
  const std::string who =
      name.empty() ? std::string(op.name) : fmt::format("{} '{}'", op.name, name);
  require(n >= op.min_operands && (op.max_operands < 0 || n <= op.max_operands),
          "{}: expected {}{} operands, found {}", who, op.min_operands,
          op.max_operands < 0 ? " or more" : "", n);
  try {
    std::vector<TensorType> results = op.infer(operands, attrs);
    for (const TensorType& type : results) require_reasonable(type.shape);
    return results;
  } catch (const Error& e) {
    throw Error(e.kind(), who + ": " + e.what());
  }
}

NodeId Graph::append(const OpSpec& op, std::vector<ValueId> operands, Attrs attrs,
                     std::string name) {
  std::vector<TensorType> in;
  in.reserve(operands.size());
  for (ValueId v : operands) {
    invariant(v >= 0 && v < static_cast<ValueId>(values_.size()),
              "{} '{}': operand {} does not exist", op.name, name, v);
    in.push_back(type(v));
  }
  const std::vector<TensorType> out = infer(op, in, attrs, name);
  const NodeId id = static_cast<NodeId>(nodes_.size());
  Node node{&op, std::move(operands), std::move(attrs), {}, std::move(name)};
  for (size_t i = 0; i < out.size(); ++i) {
    node.results.push_back(static_cast<ValueId>(values_.size()));
    values_.push_back({out[i], id, static_cast<int>(i)});
  }
  nodes_.push_back(std::move(node));
  return id;
}

ValueId Graph::add(const OpSpec& op, std::vector<ValueId> operands, Attrs attrs, std::string name) {
  return node(append(op, std::move(operands), std::move(attrs), std::move(name))).results[0];
}

ValueId Graph::input(std::string name, TensorType type) {
  return add(op::input, {},
             {{"dtype", std::string(name_of(type.dtype))}, {"shape", type.shape.dims()}},
             std::move(name));
}

ValueId Graph::state(std::string name, TensorType type, bool trainable) {
  Attrs attrs{{"dtype", std::string(name_of(type.dtype))}, {"shape", type.shape.dims()}};
  if (trainable) attrs.set("trainable", int64_t{1});
  return add(op::state, {}, std::move(attrs), std::move(name));
}

ValueId Graph::constant(Tensor value, std::string name) {
  return add(op::constant, {}, {{"value", std::move(value)}}, std::move(name));
}

void Graph::output(std::string name, ValueId value) {
  require(find_output(name) == kNoValue, "graph '{}' has two outputs named '{}'", name_, name);
  outputs_.push_back({std::move(name), value});
}

void Graph::update(ValueId state, ValueId value) {
  invariant(produced_by(state, op::state), "graph '{}': an update must name a state", name_);
  require(type(state) == type(value), "state '{}': expected a next value of type {}, found {}",
          producer(state).name, type(state), type(value));
  updates_.push_back({state, value});
}

ValueId Graph::find_output(std::string_view name) const {
  for (const Output& o : outputs_)
    if (o.name == name) return o.value;
  return kNoValue;
}

void Graph::clear_results() {
  outputs_.clear();
  updates_.clear();
}

Tensor Graph::take_constant(NodeId id) {
  Attrs& attrs = nodes_[static_cast<size_t>(id)].attrs;
  Tensor value = attrs.get<Tensor>("value");
  attrs.set("value", Tensor());
  return value;
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> uses(values_.size(), 0);
  for (const Node& n : nodes_)
    for (ValueId v : n.operands) ++uses[static_cast<size_t>(v)];
  for (const Output& o : outputs_) ++uses[static_cast<size_t>(o.value)];
  for (const Update& u : updates_) ++uses[static_cast<size_t>(u.value)];
  return uses;
}

std::vector<ValueId> Graph::sources(const OpSpec& op) const {
  std::vector<ValueId> out;
  for (const Node& n : nodes_)
    if (n.is(op)) out.push_back(n.results[0]);
  return out;
}

ValueId Graph::find_source(const OpSpec& op, std::string_view name) const {
  for (const Node& n : nodes_)
    if (n.is(op) && n.name == name) return n.results[0];
  return kNoValue;
}

}  // namespace hone::ir

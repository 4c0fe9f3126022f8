// The graph: nodes in topological order, in static single assignment. Everything that hone does to
// a network is a pure function from a Graph to a Graph; constants are shared, so copying one is
// cheap.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/op.h"

namespace hone::ir {

using ValueId = int32_t;
using NodeId = int32_t;
inline constexpr ValueId kNoValue = -1;

struct Value {
  TensorType type;
  NodeId node;  ///< the node that produces it
  int result;   ///< which of the node's results it is
};

struct Node {
  const OpSpec* op;
  std::vector<ValueId> operands;
  Attrs attrs;
  std::vector<ValueId> results;
  std::string name;  ///< the layer's path, "conv1.weight"; kept through passes; may be empty

  bool is(const OpSpec& spec) const { return op == &spec; }
};

/// A named result of the graph.
struct Output {
  std::string name;
  ValueId value;
};

/// The next value of a state, given when the graph has run.
struct Update {
  ValueId state;  ///< the result of a `state` node
  ValueId value;
};

class Graph {
 public:
  explicit Graph(std::string name = "graph") : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  /// Appends a node; infers its results' types. Throws InvalidInput, naming the node, where the
  /// operands do not fit. Returns the node.
  NodeId append(const OpSpec& op, std::vector<ValueId> operands, Attrs attrs = {},
                std::string name = "");
  /// `append`, for the first (usually only) result.
  ValueId add(const OpSpec& op, std::vector<ValueId> operands, Attrs attrs = {},
              std::string name = "");

  ValueId input(std::string name, TensorType type);
  ValueId state(std::string name, TensorType type, bool trainable);
  ValueId constant(Tensor value, std::string name = "");
  /// Moves a constant's value out of a graph that only serves to build another one from now on.
  Tensor take_constant(NodeId node);
  /// Names a node, or names it anew.
  void name_node(NodeId node, std::string name) {
    nodes_[static_cast<size_t>(node)].name = std::move(name);
  }
  void output(std::string name, ValueId value);
  void update(ValueId state, ValueId value);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Value>& values() const { return values_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  const std::vector<Update>& updates() const { return updates_; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  const TensorType& type(ValueId id) const { return value(id).type; }
  const Shape& shape(ValueId id) const { return value(id).type.shape; }
  /// The node that produces a value.
  const Node& producer(ValueId id) const { return node(value(id).node); }
  bool produced_by(ValueId id, const OpSpec& op) const { return producer(id).is(op); }

  /// Values of all `input` nodes (or of `state` nodes), in order.
  std::vector<ValueId> inputs() const { return sources(op::input); }
  std::vector<ValueId> states() const { return sources(op::state); }
  /// The input, state or output of that name, or kNoValue.
  ValueId find_input(std::string_view name) const { return find_source(op::input, name); }
  ValueId find_state(std::string_view name) const { return find_source(op::state, name); }
  ValueId find_output(std::string_view name) const;

  /// Outputs and updates, for a pass that rebuilds them.
  void clear_results();
  /// How many nodes, outputs and updates read each value.
  std::vector<int> use_counts() const;

 private:
  std::vector<ValueId> sources(const OpSpec& op) const;
  ValueId find_source(const OpSpec& op, std::string_view name) const;

  std::string name_;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<Output> outputs_;
  std::vector<Update> updates_;
};

/// Shape inference on its own; throws InvalidInput prefixed "op 'name': ".
std::vector<TensorType> infer(const OpSpec& op, std::span<const TensorType> operands,
                              const Attrs& attrs, std::string_view name);

}  // namespace hone::ir

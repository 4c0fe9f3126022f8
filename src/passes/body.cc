// Cutting nodes out of a graph as the body of a loop.
#include "passes/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/equal.h"
#include "ir/rewrite.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::kNoValue;
using ir::Node;
using ir::NodeId;
using ir::ValueId;

/// "mul_add_relu": what the body does, as far as a line holds it.
std::string name_of_body(const Graph& graph, std::span<const NodeId> nodes) {
  constexpr size_t kNamed = 6;
  std::string name;
  for (NodeId n : nodes.first(std::min(kNamed, nodes.size())))
    name.append(name.empty() ? "" : "_").append(graph.node(n).op->name);
  if (nodes.size() > kNamed) name += fmt::format("_and_{}_more", nodes.size() - kNamed);
  return name;
}

class BodyMaker {
 public:
  BodyMaker(const Graph& graph, std::string name) : graph_(graph), body_(std::move(name)) {}

  void operand(ValueId v, std::string name) {
    if (name.empty()) name = fmt::format("x{}", operands_.size());
    while (names_.contains(name)) name += '\'';
    names_.insert(name);
    operands_.push_back(v);
    inside_[v] = body_.input(std::move(name), graph_.type(v));
  }

  void operands_of(std::span<const NodeId> nodes) {
    std::set<ValueId> computed;
    for (NodeId n : nodes) {
      for (ValueId v : graph_.node(n).operands)
        if (!computed.contains(v) && !inside_.contains(v) && !goes_inside(v))
          operand(v, graph_.producer(v).name);
      computed.insert(graph_.node(n).results[0]);
    }
  }

  void node(const Node& node) {
    std::vector<ValueId> operands;
    for (ValueId v : node.operands) {
      if (!inside_.contains(v))
        inside_[v] =
            body_.constant(graph_.producer(v).attrs.get<Tensor>("value"), graph_.producer(v).name);
      operands.push_back(inside_.at(v));
    }
    inside_[node.results[0]] = merged({node.op, std::move(operands), node.attrs, {}, node.name});
  }

  Body finish(std::span<const ValueId> results) {
    for (size_t i = 0; i < results.size(); ++i)
      body_.output(fmt::format("y{}", i), inside_.at(results[i]));
    return {std::make_shared<const Graph>(std::move(body_)), std::move(operands_)};
  }

 private:
  /// The result of an equal node that the body has, or of a new one.
  ValueId merged(Node node) {
    for (const Node& other : body_.nodes())
      if (other.op == node.op && other.operands == node.operands &&
          ir::equal(other.attrs, node.attrs))
        return other.results[0];
    return body_.add(*node.op, std::move(node.operands), std::move(node.attrs),
                     std::move(node.name));
  }

  bool goes_inside(ValueId v) const {
    return graph_.produced_by(v, op::constant) && graph_.shape(v).elements() == 1;
  }

  const Graph& graph_;
  Graph body_;
  std::map<ValueId, ValueId> inside_;
  std::vector<ValueId> operands_;
  std::set<std::string> names_;
};

}  // namespace

Uses::Uses(const Graph& graph) : nodes_(graph.values().size()), results_(graph.values().size(), 0) {
  for (size_t i = 0; i < graph.nodes().size(); ++i)
    for (ValueId v : graph.nodes()[i].operands)
      nodes_[static_cast<size_t>(v)].push_back(static_cast<NodeId>(i));
  for (const ir::Output& o : graph.outputs()) ++results_[static_cast<size_t>(o.value)];
  for (const ir::Update& u : graph.updates()) ++results_[static_cast<size_t>(u.value)];
}

Body make_body(const Graph& graph, std::span<const NodeId> nodes, std::span<const ValueId> results,
               ValueId first) {
  BodyMaker maker(graph, name_of_body(graph, nodes));
  if (first != kNoValue) maker.operand(first, "acc");
  maker.operands_of(nodes);
  for (NodeId n : nodes) maker.node(graph.node(n));
  return maker.finish(results);
}

Body narrowed(const Node& fused, const std::vector<bool>& kept) {
  Graph body = *fused.attrs.get<ir::Region>("body");
  const std::vector<ir::Output> outputs = body.outputs();
  body.clear_results();
  for (size_t i = 0; i < outputs.size(); ++i)
    if (kept[i]) body.output(fmt::format("y{}", body.outputs().size()), outputs[i].value);
  const std::vector<bool> needed = ir::needed_by_results(body);
  ir::Rewriter rewriter(body);
  std::vector<ValueId> operands;
  auto operand = fused.operands.begin();
  for (const Node& node : body.nodes()) {
    const bool keeps = needed[static_cast<size_t>(node.results[0])];
    if (keeps) rewriter.copy(node);
    if (!node.is(op::input)) continue;
    if (keeps) operands.push_back(*operand);
    ++operand;
  }
  return {std::make_shared<const Graph>(rewriter.finish()), std::move(operands)};
}

bool fits_body(const Graph& graph, const Node& node, const Shape& loop) {
  return node.op->op_class == ir::OpClass::elementwise && !node.is(op::fused) &&
         graph.shape(node.results[0]) == loop;
}

std::string name_of_fused(const Graph& graph, std::span<const NodeId> nodes) {
  for (NodeId n : nodes)
    if (!graph.node(n).name.empty()) return graph.node(n).name;
  std::string shortest;
  for (const ir::Update& u : graph.updates())
    if (std::find(nodes.begin(), nodes.end(), graph.value(u.value).node) != nodes.end()) {
      const std::string& state = graph.producer(u.state).name;
      if (shortest.empty() || state.size() < shortest.size()) shortest = state;
    }
  return shortest;
}

}  // namespace hone::passes

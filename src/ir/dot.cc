// Boxes, then edges.
#include "ir/dot.h"

#include <fmt/core.h>

namespace hone::ir {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out + "\"";
}

// Weights and other constants only fill the picture, unless they are what the graph gives.
std::vector<bool> shown_nodes(const Graph& graph) {
  std::vector<bool> out;
  for (const Node& node : graph.nodes())
    out.push_back(!node.is(op::constant) && !node.is(op::state));
  for (const Output& o : graph.outputs())
    out[static_cast<size_t>(graph.value(o.value).node)] = true;
  return out;
}

}  // namespace

std::string to_dot(const Graph& graph) {
  const std::vector<bool> shown = shown_nodes(graph);
  std::string out = fmt::format("digraph {} {{\n  node [shape=box];\n", quoted(graph.name()));
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!shown[i]) continue;
    const std::string name(node.op->name);
    const bool is_input = node.is(op::input);
    out += fmt::format("  n{} [label={}{}];\n", i,
                       quoted(node.name.empty() ? name : node.name + "\n" + name),
                       is_input ? ", shape=ellipse" : "");
    for (ValueId v : node.operands)
      if (shown[static_cast<size_t>(graph.value(v).node)])
        out += fmt::format("  n{} -> n{} [label={}];\n", graph.value(v).node, i,
                           quoted(graph.type(v).to_string()));
  }
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    const Output& o = graph.outputs()[i];
    out += fmt::format("  out{} [label={}, shape=ellipse];\n  n{} -> out{} [label={}];\n", i,
                       quoted(o.name), graph.value(o.value).node, i,
                       quoted(graph.type(o.value).to_string()));
  }
  return out + "}";
}

}  // namespace hone::ir

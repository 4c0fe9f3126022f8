// One walk: parameters travel with the values made of nothing else, until a layer reads them.
#include "ir/layers.h"

#include <utility>

#include "ir/cost.h"

namespace hone::ir {

std::vector<LayerRow> layers(const Graph& graph) {
  std::vector<LayerRow> out;
  // Of a value made of states and constants alone: the parameters in it that no layer has yet.
  std::vector<int64_t> pending(graph.values().size(), 0);
  std::vector<bool> prepared(graph.values().size(), false);
  int64_t most = 0;
  for (const Node& node : graph.nodes()) {
    bool only_parameters = !node.is(op::input);
    int64_t parameters = 0;
    for (ValueId v : node.operands) {
      only_parameters = only_parameters && prepared[static_cast<size_t>(v)];
      parameters += std::exchange(pending[static_cast<size_t>(v)], 0);
    }
    const auto result = static_cast<size_t>(node.results[0]);
    if (only_parameters) {
      if (node.is(op::state) && node.attrs.flag("trainable"))
        parameters = graph.shape(node.results[0]).elements();
      pending[result] = parameters;
      for (ValueId v : node.results) prepared[static_cast<size_t>(v)] = true;
      continue;
    }
    if (node.is(op::input)) continue;
    const int64_t cost = flops(graph, node);
    const bool goes_on = !out.empty() && !out.back().name.empty() &&
                         (node.name.empty() ? node.op->op_class == OpClass::elementwise
                                            : node.name == out.back().name);
    if (!goes_on) {
      out.push_back({node.name, std::string(node.op->name), {}, 0, 0});
      most = cost;
    } else if (cost > most) {
      out.back().op = node.op->name;
      most = cost;
    }
    out.back().output = graph.type(node.results[0]);
    out.back().parameters += parameters;
    out.back().flops += cost;
  }
  return out;
}

}  // namespace hone::ir

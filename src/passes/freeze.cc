// States to constants.
#include "passes/freeze.h"

#include "base/error.h"
#include "ir/rewrite.h"

namespace hone::passes {

ir::Graph freeze(const ir::Graph& graph, const std::map<std::string, Tensor>& states) {
  ir::Graph plain = graph;
  plain.clear_results();
  for (const ir::Output& o : graph.outputs()) plain.output(o.name, o.value);
  ir::Rewriter rewriter(plain);
  for (const ir::Node& node : plain.nodes()) {
    if (!node.is(ir::op::state)) {
      rewriter.copy(node);
      continue;
    }
    const TensorType& type = plain.type(node.results[0]);
    const auto found = states.find(node.name);
    require(found != states.end(), "{}: state '{}' has no value", graph.name(), node.name);
    require(found->second.type() == type, "{}: state '{}': expected {}, found {}", graph.name(),
            node.name, type, found->second.type());
    rewriter.replace(node.results[0], rewriter.to().constant(found->second, node.name));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

// Which constants, and the exchange.
#include "passes/pack_weights.h"

#include <map>

#include "ir/rewrite.h"
#include "kernels/panels.h"

namespace hone::passes {
namespace {

using Formats = std::map<ir::ValueId, ir::PanelFormat>;

Formats formats_of(const ir::Graph& graph, Isa isa) {
  Formats formats;
  std::map<ir::ValueId, int> readers;
  for (const ir::Node& node : graph.nodes()) {
    if (node.operands.size() < 2 || !graph.produced_by(node.operands[1], ir::op::constant))
      continue;
    const ir::ValueId weight = node.operands[1];
    const auto wanted = kernels::wanted_panels(node, graph.type(weight), isa);
    if (wanted && formats.emplace(weight, *wanted).first->second == *wanted) ++readers[weight];
  }
  const std::vector<int> uses = graph.use_counts();
  std::erase_if(formats, [&](const auto& f) {
    return readers[f.first] != uses[static_cast<size_t>(f.first)];
  });
  return formats;
}

}  // namespace

ir::Graph pack_weights(ir::Graph&& graph, const PassContext& context) {
  const Isa isa = context.isa;
  const Formats formats = formats_of(graph, isa);
  ir::Rewriter rewriter(graph);
  for (ir::NodeId id = 0; id < static_cast<ir::NodeId>(graph.nodes().size()); ++id) {
    const ir::Node& node = graph.node(id);
    const auto format = formats.find(node.results[0]);
    if (!node.is(ir::op::constant) || format == formats.end()) {
      rewriter.copy(node);
      continue;
    }
    Tensor panels = kernels::pack_panels(format->second, graph.take_constant(id), isa);
    const ir::ValueId packed = rewriter.to().constant(std::move(panels), node.name);
    rewriter.replace(node.results[0],
                     rewriter.to().add(ir::op::unpack, {packed}, format->second.attrs()));
  }
  return rewriter.finish();
}

}  // namespace hone::passes

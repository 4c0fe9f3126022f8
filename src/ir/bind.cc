// Binding a graph to a batch.
#include "ir/bind.h"

#include <algorithm>

#include "base/error.h"
#include "ir/rewrite.h"

namespace hone::ir {

Graph bind_batch(const Graph& graph, int64_t n) {
  require(n > 0, "graph '{}': expected a batch of at least 1, found {}", graph.name(), n);
  Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    Attrs attrs = node.attrs;
    for (const auto& [name, value] : node.attrs.entries()) {
      if (const Region* region = std::get_if<Region>(&value)) {
        attrs.set(name, std::make_shared<const Graph>(bind_batch(**region, n)));
      } else if (name == "shape") {
        Ints shape = node.attrs.ints(name);
        std::replace(shape.begin(), shape.end(), kBatch, n);
        attrs.set(name, std::move(shape));
      }
    }
    rewriter.copy(node, std::move(attrs));
  }
  return rewriter.finish();
}

}  // namespace hone::ir

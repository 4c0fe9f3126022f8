// Cutting nodes out of a graph as the body of a loop: what both fusions share.
#pragma once

#include <span>
#include <vector>

#include "ir/graph.h"

namespace hone::passes {

/// How many nodes a body may have: more than any layer or optimiser needs, few enough that a loop's
/// instructions and tiles stay in L1.
inline constexpr size_t kMaxBodyNodes = 48;

/// Which nodes read each value, and whether the graph gives it out.
class Uses {
 public:
  explicit Uses(const ir::Graph& graph);
  /// One entry for each operand that is the value, in the order of the nodes.
  const std::vector<ir::NodeId>& nodes(ir::ValueId v) const {
    return nodes_[static_cast<size_t>(v)];
  }
  /// How many outputs and updates read the value.
  int results(ir::ValueId v) const { return results_[static_cast<size_t>(v)]; }
  int count(ir::ValueId v) const { return static_cast<int>(nodes(v).size()) + results(v); }

 private:
  std::vector<std::vector<ir::NodeId>> nodes_;
  std::vector<int> results_;
};

struct Body {
  ir::Region region;
  std::vector<ir::ValueId> operands;  ///< values of the graph that it was cut from
};

/// The elementwise `nodes` (in order) as a body that gives `results`. Constants of one element go
/// inside; every other value from outside is an operand. `first`, where given, is operand 0.
Body make_body(const ir::Graph& graph, std::span<const ir::NodeId> nodes,
               std::span<const ir::ValueId> results, ir::ValueId first = ir::kNoValue);

/// A fused node that gives only the results for which `kept` is true.
Body narrowed(const ir::Node& fused, const std::vector<bool>& kept);

/// True for an elementwise node that may be part of a body whose loop has shape `loop`.
bool fits_body(const ir::Graph& graph, const ir::Node& node, const Shape& loop);

/// What a fused node is called: as the first of its nodes that has a name, else as the state
/// of the shortest name that its results update (the parameter, not its moments), else not at all.
std::string name_of_fused(const ir::Graph& graph, std::span<const ir::NodeId> nodes);

}  // namespace hone::passes

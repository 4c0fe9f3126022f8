// What a pass is: a pure function from a graph to a graph, with a name and a promise.
#pragma once

#include <string_view>

#include "base/cpu.h"
#include "base/shards.h"
#include "ir/graph.h"

namespace hone::passes {

/// What a pass promises of the results' bits.
enum class Exactness {
  exact,        ///< the same bits
  approximate,  ///< the same within a bound that the pass names
};

/// What passes may know beside the graph.
struct PassContext {
  Sharding sharding;        ///< how sums over the batch are cut (docs/numerics.md)
  Isa isa = default_isa();  ///< for what chooses among ways to the same bits
};

struct Pass {
  std::string_view name;
  Exactness exactness;
  bool required;  ///< later stages need what it does: it cannot be switched off
  ir::Graph (*run)(const ir::Graph&, const PassContext&);
  /// In place of `run`, for a pass that gives memory back as it goes.
  ir::Graph (*consume)(ir::Graph&&, const PassContext&) = nullptr;
};

}  // namespace hone::passes

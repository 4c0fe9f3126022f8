// The one place where passes run: named, timed, verified, dumped, switched off by name.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/verify.h"
#include "passes/pass.h"

namespace hone::passes {

/// Passes that run one after another, and what the graph must satisfy before and after each.
struct Stage {
  std::string_view name;
  ir::Level level;
  std::span<const Pass> passes;
};

struct PassOptions {
  /// Optional passes that do not run, by name; "all" stands for every one.
  std::set<std::string, std::less<>> disabled;
  /// Where the graph is written after each pass, as GRAPH.STAGE/NN-PASS.txt; empty: nowhere.
  std::string dump_dir;
  /// Verify the graph after each pass.
#ifdef NDEBUG
  bool verify = false;
#else
  bool verify = true;
#endif

  /// Adds a comma-separated list of names to `disabled`.
  void disable(std::string_view names);
  /// The options with what HONE_DISABLE_PASSES disables.
  static PassOptions from_environment();
};

/// What one pass did.
struct PassRecord {
  std::string_view name;
  double seconds;
  size_t nodes_before, nodes_after;
};

/// Runs the stage's passes in order; appends to `records` where given. An error of a pass is thrown
/// on with the pass's name.
ir::Graph run_stage(ir::Graph graph, const Stage& stage, const PassContext& context,
                    const PassOptions& options, std::vector<PassRecord>* records = nullptr);

}  // namespace hone::passes

// A program: kernel calls in order, at fixed memory offsets. The executor runs it and decides
// nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "kernels/kernel.h"

namespace hone::plan {

/// A place in memory: a region and an offset. Region 0 is the arena; then come the inputs, the
/// states, the constants and the outputs, in the order of the program's lists.
struct Location {
  int region = 0;
  int64_t offset = 0;
};

/// What people are shown of a node: its name or, where it has none, its op.
inline std::string_view shown_name(std::string_view name, std::string_view op) {
  return name.empty() ? op : name;
}

/// One kernel call.
struct Step {
  std::shared_ptr<const kernels::Kernel> kernel;
  std::string_view kernel_name;  ///< of the table's row
  std::string_view op;
  std::string name;  ///< the node's, a layer's path
  std::vector<Location> operands;
  std::vector<Location> results;
  std::vector<TensorType> operand_types;
  std::vector<TensorType> result_types;
  int64_t workspace = 0;     ///< offset in the arena
  int64_t scratch = 0;       ///< offset in the arena of the first worker's own memory...
  int64_t scratch_step = 0;  ///< ... and from each worker's to the next one's
  int64_t flops = 0;         ///< floating-point operations of one call
};

/// A named value in memory that is not the program's own: the caller's, or the executor's.
struct Binding {
  std::string name;
  TensorType type;
  Location at;
};

/// Done in order when all steps have run: first inputs, states and constants that are outputs or
/// next values are kept, and values that are outputs twice are repeated; then next values that
/// could not be computed in place go to their states.
struct Copy {
  Location from, to;
  int64_t bytes;
};

struct Program {
  std::string name;
  int threads = 1;  ///< the most that its kernels may be run on
  std::vector<Step> steps;
  std::vector<Binding> inputs;
  std::vector<Binding> states;
  std::vector<Tensor> constants;
  std::vector<Binding> outputs;
  std::vector<Copy> copies;
  int64_t arena_bytes = 0;  ///< the peak: all memory beside that of the bindings and constants
  int64_t naive_bytes = 0;  ///< what the same memory would be without reuse
  // Of a program within a limit of memory (memory_limit.h):
  int64_t unlimited_bytes = 0;   ///< the peak without the limit
  int64_t recomputed_flops = 0;  ///< the work that is done more than once

  int regions() const {
    return 1 + static_cast<int>(inputs.size() + states.size() + constants.size() + outputs.size());
  }
  /// The region of the first output.
  int outputs_from() const { return regions() - static_cast<int>(outputs.size()); }
  bool has_output(std::string_view name) const {
    for (const Binding& b : outputs)
      if (b.name == name) return true;
    return false;
  }
  /// One line a step: kernel, node, types and offsets; the memory at the end.
  std::string to_text() const;
};

}  // namespace hone::plan

// Random nodes, made from the op table: what the kernels' bits, the gradient rules and the
// benchmarks are tested on. A case is a pure function of (op, seed, options), so that a failure is
// reproduced by its seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "kernels/kernel.h"
#include "kernels/problem_values.h"

namespace hone::kernels {

struct CaseOptions {
  Values values = Values::plain;
  bool small = false;     ///< few elements, for tests that evaluate the node very often
  bool epilogues = true;  ///< contractions may have one
};

/// A graph whose inputs are the operands of one node, which comes last; the node's results are its
/// outputs "y0", "y1"....
struct Case {
  ir::Graph graph;
  std::map<std::string, Tensor> operands;  ///< by the name of the input: "x0", "x1"...

  const ir::Node& node() const { return graph.nodes().back(); }
  /// The operands in order.
  std::vector<Tensor> operand_list() const;
  Problem problem(Isa isa, int threads) const;
  /// "matmul(f32[3,4], f32[4,7]) seed 12", for messages.
  std::string describe() const;
  uint64_t seed = 0;
};

/// A random case of `op`, which must be built in and no source.
Case random_case(const ir::OpSpec& op, uint64_t seed, const CaseOptions& options = {});

}  // namespace hone::kernels

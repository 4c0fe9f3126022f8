// A graph as text, for people, dumps and goldens; `parse` (ir/parse.h) reads it back.
//
//   graph mlp {
//     %input = input "input" : f32[N,784]
//     %dense1.weight = state "dense1.weight" trainable : f32[784,128]
//     %2 = matmul(%input, %dense1.weight) "dense1" : f32[N,128]
//     %3 = constant 0.5 : f32[]
//     %4 = fused(%2, %3) {body=graph mul {
//       ...
//     }} : f32[N,128]
//     output "logits" = %4
//     update %dense1.weight = %5
//   }
//
// A value is called after its source's name where that is a plain word of its own, else by number.
// Attributes: 1 an integer, 1.0 a float, "nchw" a string, [1, 2] integers, f32[2] [1, 2] a tensor,
// graph name { ... } a region. `#` begins a comment.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "ir/graph.h"

namespace hone::ir {

struct TextOptions {
  /// Longer constants print as "...", for reading only: such a text does not parse.
  int64_t max_constant_elements = std::numeric_limits<int64_t>::max();
};

/// All of `graph`, with a newline at the end.
std::string to_text(const Graph& graph, const TextOptions& options = {});

}  // namespace hone::ir

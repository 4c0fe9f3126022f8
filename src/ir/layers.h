// A graph's layers, as a person counts them: what each gives, learns and costs.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace hone::ir {

/// The nodes of one name that follow one another, as those of a composite do, with elementwise ones
/// after them that have none.
struct LayerRow {
  std::string name;
  std::string op;          ///< of the node that costs most
  TensorType output;       ///< of the last of them
  int64_t parameters = 0;  ///< elements of the trainable states that it is the first to read
  int64_t flops = 0;       ///< as `flops` of cost.h
};

/// The rows of a graph of static shapes, in order. What only moves or prepares parameters belongs
/// to the layer that reads them.
std::vector<LayerRow> layers(const Graph& graph);

}  // namespace hone::ir

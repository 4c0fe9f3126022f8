// What an ONNX file holds, as hone sees it.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace hone::io {

/// What hone writes unless asked for another: old enough for all runtimes in use.
inline constexpr int64_t kOnnxOpset = 17;

struct OnnxModel {
  ir::Graph graph;
  std::map<std::string, Tensor> states;  ///< the initial value of every state of the graph
  std::vector<std::string> labels = {};  ///< a classifier's class names; may be empty
  std::map<std::string, std::string> metadata = {};  ///< everything else
};

}  // namespace hone::io

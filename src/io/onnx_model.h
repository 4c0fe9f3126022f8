// What an ONNX file holds, as hone sees it.
#pragma once

#include <hone/tensor.h>

#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace hone::io {

struct OnnxModel {
  ir::Graph graph;
  std::map<std::string, Tensor> states;  ///< the initial value of every state of the graph
  std::vector<std::string> labels = {};  ///< a classifier's class names; may be empty
  std::map<std::string, std::string> metadata = {};  ///< everything else
};

}  // namespace hone::io

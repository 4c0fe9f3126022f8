// The reference interpreter: evaluates a graph node by node with the scalar references. It folds
// constants, runs the `scalar` level, and, in double precision, is the oracle of the tests.
#pragma once

#include <map>
#include <string>

#include "ir/graph.h"
#include "kernels/reference.h"

namespace hone::kernels {

/// Computes one node (not a source) into `results`. Bodies of fused nodes and epilogues are
/// interpreted.
void run_reference_node(const RefCall& call, bool in_double = false);

/// What a graph gives: its outputs by name, and the next values of its states by the state's name.
struct Evaluation {
  std::map<std::string, Tensor> outputs;
  std::map<std::string, Tensor> updates;
};

/// Evaluates a graph of static shapes. `inputs` and `states` are by name. With `in_double`, every
/// f32 tensor is converted to f64 first and results are f64.
Evaluation interpret(const ir::Graph& graph, const std::map<std::string, Tensor>& inputs,
                     const std::map<std::string, Tensor>& states = {}, bool in_double = false);

}  // namespace hone::kernels

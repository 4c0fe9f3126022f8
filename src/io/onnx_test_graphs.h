// Graphs for the tests of the ONNX files, and a text of what a graph computes.
#pragma once

#include <map>
#include <string>

#include "base/rng.h"
#include "io/onnx_model.h"

namespace hone::io {

/// An f32 tensor of numbers in [-1, 1) that depend on `name` only.
inline Tensor random_tensor(const std::string& name, Shape shape) {
  Tensor t(DType::f32, std::move(shape));
  for (int64_t i = 0; i < t.elements(); ++i)
    t.data<float>()[i] = 2 * unit_float(philox(key_of(name), 0, static_cast<uint64_t>(i)).v[0]) - 1;
  return t;
}

/// Adds a state, and its value to the model.
inline ir::ValueId add_state(OnnxModel& m, const std::string& name, Shape shape,
                             bool trainable = true) {
  m.states[name] = random_tensor(name, shape);
  return m.graph.state(name, {DType::f32, std::move(shape)}, trainable);
}

/// A small convolutional classifier of [batch,3,9,8] images: normalisation, two convolutions (one
/// in groups), batch norm at inference, both pools, a residual, a linear layer; labels and
/// metadata.
OnnxModel small_cnn(int64_t batch = kBatch);

/// What a graph computes, as text: its inputs, states and outputs, and its nodes with operands,
/// attributes and names, wherever sources and constants stand. Shard attributes are left out.
std::string describe(const ir::Graph& graph);

}  // namespace hone::io

// A network: what can build its graph, for training or inference, on images of any dtype.
#pragma once

#include <hone/nn.h>

#include <memory>
#include <optional>
#include <vector>

#include "nn/layer.h"

namespace hone::nn {

/// Per-channel normalisation in pixel units: (x - mean) * scale. It is part of the graph, so that a
/// saved network takes raw pixels.
struct Normalization {
  std::vector<float> mean;
  std::vector<float> scale;
};

/// A network's graph and what its states start from. The graph has the input "input" of type [N,
/// ...] and the output "logits".
struct Built {
  ir::Graph graph;
  std::vector<StateInit> states;
};

class Network {
 public:
  virtual ~Network() = default;
  /// `input` is the type of one batch, [N, sample...], u8 or f32.
  virtual Built build(Mode mode, const TensorType& input) const = 0;
  /// The sample's shape where the network fixes it.
  virtual std::optional<Shape> sample_shape() const = 0;
  /// The batch that it is made for: kBatch unless a file fixes it.
  virtual int64_t batch() const { return kBatch; }
  virtual std::string name() const = 0;
};

/// A network made of layers. `output` is reached from one `input()`; without `sample_shape` in that
/// input (a sequential model), it takes the data's.
std::shared_ptr<Network> make_network(std::string name, Var output,
                                      std::optional<Normalization> normalization);

/// Layers one after another, as a Var over an input of unknown shape.
Var chain(const std::vector<Layer>& layers);

/// A network that is a graph already (from a file): input "input" f32, output "logits".
std::shared_ptr<Network> make_network(ir::Graph graph);

}  // namespace hone::nn

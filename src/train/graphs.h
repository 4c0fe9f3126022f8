// The two graphs of a training run, made from a network: one step of training, and evaluation.
#pragma once

#include <hone/nn.h>

#include <vector>

#include "exec/state_store.h"
#include "nn/network.h"
#include "passes/runner.h"

namespace hone::train {

/// The types of a batch, [N, ...]: images (u8 or f32) and labels.
struct BatchType {
  TensorType images;
  TensorType labels;
};

/// The type of a batch of samples of this type, of any size unless one is given. Throws
/// InvalidInput for a scalar.
TensorType batch_type(const TensorType& samples, int64_t batch = kBatch);

struct StepOptions {
  Optimizer optimizer;
  Loss loss;
  bool accuracy = false;
  int64_t batch = 64;  ///< B of docs/numerics.md
  int64_t shards = 1;  ///< V
  passes::PassOptions passes = passes::PassOptions::from_environment();
};

/// A graph and all the states that it reads, with what they start from.
struct GraphAndStates {
  ir::Graph graph;
  std::vector<nn::StateInit> states;
};

/// Forward, loss, gradients, updates. Inputs "input" and "labels"; outputs "loss" (the mean over
/// the batch) and, with `accuracy`, "hits" (the number of right answers); everything else is an
/// update.
GraphAndStates training_graph(const nn::Network& network, const BatchType& type,
                              const StepOptions& options);

/// Adds the states of a run that starts: those that exist keep their values.
void add_missing_states(const GraphAndStates& step, uint64_t seed, exec::StateStore& states);

/// Forward only, prepared as every graph that serves is. With labels: outputs "losses" and "hits"
/// per sample; always "logits".
ir::Graph evaluation_graph(
    const nn::Network& network, const BatchType& type, Loss loss, bool with_labels,
    const passes::PassOptions& passes = passes::PassOptions::from_environment());

}  // namespace hone::train

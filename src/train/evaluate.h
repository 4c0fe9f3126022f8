// Evaluation: the one pipeline behind validation, eval, predict and the report.
#pragma once

#include <hone/train.h>

#include <functional>

#include "base/thread_pool.h"
#include "exec/staged.h"
#include "nn/network.h"

namespace hone::train {

class Evaluator {
 public:
  /// `pool` must outlive this.
  Evaluator(std::shared_ptr<const nn::Network> network, Loss loss, Isa isa, ThreadPool* pool,
            passes::PassOptions passes = passes::PassOptions::from_environment());

  /// Loss and accuracy. Samples are summed in order, in double, so the batch size does not matter.
  Evaluation evaluate(const data::Dataset& data, exec::StateStore& states);
  /// Logits of samples [n, ...], computed batch by batch.
  Tensor predict(const Tensor& samples, exec::StateStore& states);

 private:
  /// Sees the outputs of samples [first, end); what follows them in a batch is padding.
  using Sink = std::function<void(int64_t first, int64_t end, const exec::Executor&)>;
  struct Stage {
    ir::Graph graph;
    exec::StagedExecutor executor;
  };
  Stage& stage(const TensorType& images, const TensorType* labels);
  void each_batch(const Tensor& images, const Tensor* labels, exec::StateStore& states,
                  const Sink& sink);

  std::shared_ptr<const nn::Network> network_;
  Loss loss_;
  Isa isa_;
  ThreadPool* pool_;
  passes::PassOptions passes_;
  std::map<std::string, Stage> stages_;  // by the types of images and labels
};

}  // namespace hone::train

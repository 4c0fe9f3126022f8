// The training loop.
#pragma once

#include <hone/train.h>

#include <functional>

#include "base/thread_pool.h"
#include "nn/network.h"
#include "train/evaluate.h"

namespace hone::train {

/// What fit works on: a network and the states that belong to it.
struct Session {
  std::shared_ptr<const nn::Network> network;
  CompileOptions options;
  passes::PassOptions passes;
  Isa isa;
  ThreadPool* pool;
  Evaluator* evaluator;
  exec::StateStore* states;  ///< parameters and statistics; the optimiser's states are added
  /// Called once, when nothing can refuse the fit any more and no state's value has changed yet.
  std::function<void()> on_start = {};
};

/// Throws InvalidInput unless the options make sense for the data; fit checks this, too.
void require_trainable(const data::Dataset& train, const FitOptions& options);

/// Trains; documented at `Model::fit`.
History fit(const Session& session, const data::Dataset& train, const FitOptions& options);

}  // namespace hone::train

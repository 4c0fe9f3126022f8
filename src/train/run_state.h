// All that a training run is, beside its program: what a checkpoint holds and a resume restores.
#pragma once

#include <hone/train.h>

#include <string>

#include "exec/state_store.h"
#include "ir/graph.h"

namespace hone::train {

/// Sums over the steps of the epoch that runs, in step order.
struct EpochSums {
  double loss = 0;  ///< of each batch's mean, times its samples
  double hits = 0;
  int64_t samples = 0;
  double seconds = 0;
};

struct RunState {
  exec::StateStore states;
  uint64_t seed = 0;
  int64_t batch = 0;
  int64_t shards = 0;
  int epoch = 0;     ///< epochs completed
  int64_t step = 0;  ///< batches done of the epoch that runs
  EpochSums sums;
  History history;
  exec::StateStore best;  ///< the states of the best epoch, where they are kept
};

/// True if the directory holds a run.
bool has_run(const std::string& directory);

/// Writes the run to the directory, atomically: at any moment it holds one whole run. `graph` is
/// the step's, and identifies the network.
void save_run(const std::string& directory, const RunState& run, const ir::Graph& graph);

/// Reads a run. Throws InvalidInput, naming the file, unless it is one of this step graph, numerics
/// version, seed, batch and V (those of `expected`) on so many samples, and makes sense.
RunState load_run(const std::string& directory, const RunState& expected, const ir::Graph& graph,
                  int64_t samples);

}  // namespace hone::train

// Finding the op that made the first NaN. Training runs at full speed without looking; when the
// loss is NaN, the last steps are run again from a snapshot, watched this time. They give the same
// bits, so the first op seen is the one that did it. Their batches are made again, too: nothing but
// the snapshot is kept.
#pragma once

#include <hone/data.h>

#include "exec/staged.h"
#include "train/snapshot.h"

namespace hone::train {

/// The inputs of a step.
inline exec::Tensors step_inputs(const data::Batch& batch) {
  return {{"input", batch.images}, {"labels", batch.labels}};
}

class NanSearch {
 public:
  NanSearch(exec::StagedExecutor& executor, exec::StateStore& states, data::Loader& loader)
      : executor_(executor), states_(states), loader_(loader) {}

  /// Counts the step that is about to run, on this batch of this epoch; keeps the states now and
  /// then.
  void before_step(int64_t epoch, int64_t batch);
  /// Runs the steps since then again and names the first op with a NaN result. States end as they
  /// are now; the loader must be started again.
  std::string first_nan();

 private:
  exec::StagedExecutor& executor_;
  exec::StateStore& states_;
  data::Loader& loader_;
  Snapshot snapshot_;
  bool kept_ = false;              // a snapshot
  int64_t epoch_ = 0, first_ = 0;  // of the snapshot: the batch after it
  int64_t steps_ = 0;              // since then
};

}  // namespace hone::train

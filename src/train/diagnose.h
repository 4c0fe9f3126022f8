// Finding the op that made the first NaN. Training runs at full speed without looking; when the
// loss is NaN, the last steps are run again from a snapshot, watched this time. They give the same
// bits, so the first op seen is the one that did it.
#pragma once

#include <vector>

#include "exec/staged.h"

namespace hone::train {

class NanSearch {
 public:
  NanSearch(exec::StagedExecutor& executor, exec::StateStore& states)
      : executor_(executor), states_(states) {}

  /// Remembers the step that is about to run, and the states now and then.
  void before_step(const std::map<std::string, Tensor>& inputs);
  /// Runs the remembered steps again and names the first op with a NaN result. States end as they
  /// are now.
  std::string first_nan();

 private:
  exec::StagedExecutor& executor_;
  exec::StateStore& states_;
  exec::StateStore snapshot_;
  std::vector<std::map<std::string, Tensor>> steps_;  // since the snapshot
};

}  // namespace hone::train

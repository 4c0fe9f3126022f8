// What TensorBoard shows of a run: each step's loss, accuracy and learning rate, and each epoch's
// training and validation figures, all by the number of steps done.
#pragma once

#include <hone/train.h>

#include <string>

#include "report/tensorboard.h"

namespace hone::cli {

class TensorboardLog {
 public:
  /// A new event file in the folder. `steps` is the number of steps in an epoch.
  TensorboardLog(const std::string& folder, Optimizer optimizer, int64_t steps)
      : file_(folder), optimizer_(optimizer), steps_(steps) {}
  void step(const Progress& progress);
  void epoch(int index, const Epoch& epoch);

 private:
  report::EventFile file_;
  Optimizer optimizer_;
  int64_t steps_;
};

}  // namespace hone::cli

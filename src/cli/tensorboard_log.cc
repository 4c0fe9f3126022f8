// Progress as scalars.
#include "cli/tensorboard_log.h"

#include "nn/optimizer.h"

namespace hone::cli {

void TensorboardLog::step(const Progress& p) {
  const int64_t done = p.epoch * steps_ + p.step;
  file_.add(done, {{"loss/step", p.step_loss},
                   {"accuracy/step", p.step_accuracy},
                   {"learning_rate", nn::learning_rate(optimizer_, done - 1)}});
}

void TensorboardLog::epoch(int index, const Epoch& e) {
  file_.add((index + 1) * steps_, {{"loss/training", e.loss},
                                   {"loss/validation", e.validation_loss},
                                   {"accuracy/training", e.accuracy},
                                   {"accuracy/validation", e.validation_accuracy}});
  file_.flush();
}

}  // namespace hone::cli

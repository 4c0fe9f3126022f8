// Replaying the last steps under observation.
#include "train/diagnose.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace hone::train {
namespace {

constexpr int64_t kSteps = 32;  // between snapshots: copying the states then costs little per step

bool has_nan(const kernels::View& view) {
  if (view.type->dtype != DType::f32) return false;
  const float* v = view.as<float>();
  return std::any_of(v, v + view.type->shape.elements(), [](float x) { return std::isnan(x); });
}

}  // namespace

void NanSearch::before_step(int64_t epoch, int64_t batch) {
  if (!kept_ || steps_ == kSteps) {
    kept_ = snapshot_.keep(states_);
    epoch_ = epoch;
    first_ = batch;
    steps_ = 0;
  }
  ++steps_;
}

std::string NanSearch::first_nan() {
  std::string found;
  const exec::StateStore now = exec::clone(states_);
  if (!kept_ || !snapshot_.restore(states_)) {
    exec::copy_into(states_, now);
    return "the op is unknown, as there was no room for a temporary file to go back to";
  }
  for (auto& [name, tensor] : states_) {
    if (has_nan(kernels::View{tensor.raw(), &tensor.type()}))
      found = fmt::format("state '{}' held NaN before", name);
  }
  int64_t epoch = epoch_;
  loader_.start(epoch, first_);
  for (int64_t s = 0; s < steps_ && found.empty(); ++s) {
    std::optional<data::Batch> batch = loader_.next();
    if (!batch) {
      loader_.start(++epoch, 0);
      batch = loader_.next();
    }
    executor_.run(
        step_inputs(*batch), states_,
        [&](const plan::Step& step, std::span<const kernels::View> results) {
          if (!found.empty() || std::none_of(results.begin(), results.end(), has_nan)) return;
          const int64_t ago = steps_ - 1 - s;
          const std::string name = step.name.empty() ? "" : " '" + step.name + "'";
          found = fmt::format(
              "the first op that gave NaN was {}{}{}; a smaller learning rate may help", step.op,
              name, ago == 0 ? "" : fmt::format(", {} step{} before", ago, ago == 1 ? "" : "s"));
        });
  }
  exec::copy_into(states_, now);
  return found.empty() ? "no single op shows it" : found;
}

}  // namespace hone::train

// What the verbs that measure share: a session, the random inputs that it is measured on, and its
// program.
#pragma once

#include <hone/session.h>

#include "api/session.h"
#include "cli/command.h"
#include "cli/dims.h"

namespace hone::cli {

struct MeasureArgs {
  std::string model;
  int64_t batch = 1;
  Dims dims;
};

void add_measure_options(CLI::App& command, MeasureArgs& args);

struct Measured {
  Session session;
  Tensors inputs;
  std::shared_ptr<const plan::Program> program;

  /// Loads the model and draws inputs by their declared types, from the seed: floats in [0, 1),
  /// integers and booleans 0 or 1, which are in range whatever they index.
  static Measured load(const MeasureArgs& args, const Common& common);
  int threads() const { return SessionImpl::of(session).pool->threads(); }
  /// "m.onnx  input f32[1,3,224,224]  2 threads", for a person.
  std::string describe(const MeasureArgs& args) const;
};

}  // namespace hone::cli

// How a run of `hone train` trains: the network's recipe, and what the command line says otherwise.
#pragma once

#include <hone/hone.h>

#include <CLI/CLI.hpp>

#include <string>

#include "nn/zoo/zoo.h"

namespace hone::cli {

/// --epochs, --batch and so on, as they were typed; what was not is empty, 0, or -1 where 0 means
/// something.
struct RecipeArgs {
  int epochs = 0;
  int64_t batch = 0;
  std::string optimizer;
  double lr = 0;
  double momentum = -1;
  double weight_decay = -1;
  std::string schedule;
  int64_t warmup = -1;
  bool flip = false;
  bool no_flip = false;
  int64_t crop = -1;
};

void add_recipe_options(CLI::App& command, RecipeArgs& args);

struct ChosenRecipe {
  Optimizer optimizer;  ///< with the schedule
  int epochs;
  int64_t batch;
  int64_t steps;  ///< of an epoch
  data::Augment augment;

  /// "30 epochs of 422 steps, batch 128, sgd 0.1, ...", for a person.
  std::string describe() const;
};

/// A batch that the user did not give is no larger than the data.
ChosenRecipe choose_recipe(const RecipeArgs& args, const nn::Recipe& standard,
                           const data::Dataset& train);

}  // namespace hone::cli

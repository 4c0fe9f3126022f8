// The report of a training run, gathered from the model and its history.
#pragma once

#include <hone/hone.h>

#include <string>

namespace hone::cli {

struct RunFacts {
  std::string command;
  std::string data;  ///< as it was named
  uint64_t seed;
  int threads;
};

/// Writes the HTML page. Predicts the whole test set for its confusion matrix and mistakes.
void write_training_report(const std::string& path, Model& model, const History& history,
                           const data::Dataset& test, const Evaluation& evaluation,
                           const RunFacts& facts);

}  // namespace hone::cli

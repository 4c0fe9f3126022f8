// From predictions on the test set to the report's confusion matrix and most confident mistakes.
#include "cli/training_report.h"

#include <algorithm>

#include "base/cpu.h"
#include "report/training_report.h"

namespace hone::cli {
namespace {

constexpr size_t kMistakes = 24;

void add_predictions(Model& model, const data::Dataset& test, report::TrainingReport& page) {
  const Tensor p = softmax_of(model.predict(test.images));
  const int64_t classes = p.shape()[1];
  page.confusion = Tensor(DType::i64, {classes, classes});
  for (int64_t i = 0; i < test.size(); ++i) {
    const float* row = p.data<float>() + i * classes;
    const int64_t predicted = std::max_element(row, row + classes) - row;
    const int64_t actual = test.labels.data<int64_t>()[i];
    ++page.confusion.data<int64_t>()[actual * classes + predicted];
    if (predicted == actual || test.images.dtype() != DType::u8) continue;
    const Shape& images = test.images.shape();
    const Tensor image = test.images.rows(i, i + 1).reshaped({images[1], images[2], images[3]});
    page.mistakes.push_back({image, predicted, actual, row[predicted]});
  }
  std::stable_sort(page.mistakes.begin(), page.mistakes.end(),
                   [](const auto& a, const auto& b) { return a.probability > b.probability; });
  if (page.mistakes.size() > kMistakes) page.mistakes.resize(kMistakes);
}

}  // namespace

void write_training_report(const std::string& path, Model& model, const History& history,
                           const data::Dataset& test, const Evaluation& evaluation,
                           const RunFacts& facts) {
  report::TrainingReport page;
  page.title = model.name() + " on " + facts.data;
  page.command = facts.command;
  page.machine = cpu_model();
  page.isa = name_of(default_isa());
  page.threads = facts.threads > 0 ? facts.threads : usable_cores();
  page.seed = static_cast<int64_t>(facts.seed);
  for (const LayerSummary& row : model.summary())
    page.model.push_back({row.name, row.op, row.output.to_string(), row.parameters});
  for (const Epoch& e : history.epochs) {
    page.epochs.push_back(
        {e.loss, e.accuracy, e.validation_loss, e.validation_accuracy, e.samples_per_s, e.seconds});
  }
  page.test_loss = evaluation.loss;
  page.test_accuracy = evaluation.accuracy;
  page.class_names = model.class_names();
  add_predictions(model, test, page);
  report::save(path, page);
}

}  // namespace hone::cli

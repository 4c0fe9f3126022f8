// Batches through the inference program.
#include "train/evaluate.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>

#include "base/error.h"
#include "train/graphs.h"

namespace hone::train {
namespace {

constexpr int64_t kBatchSize = 256;

TensorType batch_type(const TensorType& type) {
  require(type.shape.rank() > 0, "expected samples along axis 0, found {}", type.to_string());
  TensorType out = type;
  out.shape[0] = kBatch;
  return out;
}

}  // namespace

Evaluator::Evaluator(std::shared_ptr<const nn::Network> network, Loss loss, Isa isa,
                     ThreadPool* pool, passes::PassOptions passes)
    : network_(std::move(network)),
      loss_(loss),
      isa_(isa),
      pool_(pool),
      passes_(std::move(passes)) {}

Evaluator::Stage& Evaluator::stage(const TensorType& images, const TensorType* labels) {
  const BatchType type{batch_type(images), labels == nullptr ? TensorType{} : batch_type(*labels)};
  const std::string key =
      type.images.to_string() + (labels == nullptr ? "" : type.labels.to_string());
  const auto found = stages_.find(key);
  if (found != stages_.end()) return found->second;
  ir::Graph graph = evaluation_graph(*network_, type, loss_, labels != nullptr, passes_);
  exec::StagedExecutor executor(graph, isa_, pool_, passes_);
  return stages_.emplace(key, Stage{std::move(graph), std::move(executor)}).first->second;
}

void Evaluator::each_batch(const Tensor& images, const Tensor* labels, exec::StateStore& states,
                           const Sink& sink) {
  exec::StagedExecutor& staged =
      stage(images.type(), labels == nullptr ? nullptr : &labels->type()).executor;
  const int64_t n = images.shape()[0];
  for (int64_t first = 0; first < n; first += kBatchSize) {
    const int64_t end = std::min(n, first + kBatchSize);
    std::map<std::string, Tensor> inputs = {{"input", images.rows(first, end)}};
    if (labels != nullptr) inputs.emplace("labels", labels->rows(first, end));
    sink(first, *staged.run(inputs, states));
  }
}

Evaluation Evaluator::evaluate(const data::Dataset& data, exec::StateStore& states) {
  require(data.size() > 0, "data set '{}' is empty: nothing to evaluate", data.name);
  const auto start = std::chrono::steady_clock::now();
  double loss = 0;
  double hits = 0;
  bool counted = false;
  each_batch(data.images, &data.labels, states, [&](int64_t, const exec::Executor& run) {
    const Tensor losses = run.output("losses");
    for (int64_t i = 0; i < losses.elements(); ++i) loss += losses.data<float>()[i];
    if (!run.program().has_output("hits")) return;
    counted = true;
    const Tensor right = run.output("hits");
    for (int64_t i = 0; i < right.elements(); ++i) hits += right.data<float>()[i];
  });
  const double n = static_cast<double>(data.size());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {loss / n, counted ? hits / n : std::numeric_limits<double>::quiet_NaN(), data.size(),
          n / seconds};
}

Tensor Evaluator::predict(const Tensor& samples, exec::StateStore& states) {
  const ir::Graph& graph = stage(samples.type(), nullptr).graph;
  Shape shape = graph.shape(graph.find_output("logits"));
  shape[0] = samples.shape()[0];
  Tensor out(DType::f32, shape);
  each_batch(samples, nullptr, states, [&](int64_t first, const exec::Executor& run) {
    const Tensor logits = run.output("logits");
    std::memcpy(out.rows(first, first + logits.shape()[0]).raw(), logits.raw(),
                static_cast<size_t>(logits.bytes()));
  });
  return out;
}

}  // namespace hone::train

namespace hone {

std::ostream& operator<<(std::ostream& out, const Evaluation& e) {
  out << fmt::format("loss {:.4f}", e.loss);
  if (!std::isnan(e.accuracy)) out << fmt::format(", accuracy {:.2f}%", 100 * e.accuracy);
  return out << fmt::format(" on {} samples ({:.0f}/s)", e.samples, e.samples_per_s);
}

}  // namespace hone

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

/// Rows [first, end), and zeros after them up to `batch` rows.
Tensor padded_rows(const Tensor& samples, int64_t first, int64_t end, int64_t batch) {
  Tensor rows = samples.rows(first, end);
  if (end - first == batch) return rows;
  const TensorType type = batch_type(samples.type(), batch);
  Tensor out(type.dtype, type.shape);
  std::memcpy(out.raw(), rows.raw(), static_cast<size_t>(rows.bytes()));
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
  const int64_t batch = network_->batch();
  const BatchType type{batch_type(images, batch),
                       labels == nullptr ? TensorType{} : batch_type(*labels, batch)};
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
  const bool is_free = network_->batch() == kBatch;
  const int64_t step = is_free ? kBatchSize : network_->batch();
  for (int64_t first = 0; first < n; first += step) {
    const int64_t end = std::min(n, first + step);
    const int64_t rows = is_free ? end - first : step;
    std::map<std::string, Tensor> inputs = {{"input", padded_rows(images, first, end, rows)}};
    if (labels != nullptr) inputs.emplace("labels", padded_rows(*labels, first, end, rows));
    sink(first, end, *staged.run(inputs, states));
  }
}

Evaluation Evaluator::evaluate(const data::Dataset& data, exec::StateStore& states) {
  require(data.size() > 0, "data set '{}' is empty: nothing to evaluate", data.name);
  const auto start = std::chrono::steady_clock::now();
  double loss = 0;
  double hits = 0;
  bool counted = false;
  each_batch(data.images, &data.labels, states,
             [&](int64_t first, int64_t end, const exec::Executor& run) {
               const Tensor losses = run.output("losses");
               for (int64_t i = 0; i < end - first; ++i) loss += losses.data<float>()[i];
               if (!run.program().has_output("hits")) return;
               counted = true;
               const Tensor right = run.output("hits");
               for (int64_t i = 0; i < end - first; ++i) hits += right.data<float>()[i];
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
  each_batch(samples, nullptr, states, [&](int64_t first, int64_t end, const exec::Executor& run) {
    Tensor rows = out.rows(first, end);
    std::memcpy(rows.raw(), run.output("logits").raw(), static_cast<size_t>(rows.bytes()));
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

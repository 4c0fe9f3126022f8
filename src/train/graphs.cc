// Training and evaluation as graphs: this file reads as the recipe of a training step.
#include "train/graphs.h"

#include "base/error.h"
#include "nn/init.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "passes/autodiff.h"
#include "passes/pipeline.h"

namespace hone::train {

using ir::Expr;

TensorType batch_type(const TensorType& samples, int64_t batch) {
  require(samples.shape.rank() > 0, "expected samples along axis 0, found {}", samples);
  TensorType out = samples;
  out.shape[0] = batch;
  return out;
}

GraphAndStates training_graph(const nn::Network& network, const BatchType& type,
                              const StepOptions& options) {
  nn::Built built = network.build(nn::Mode::training, type.images);
  ir::Graph& g = built.graph;
  const Expr logits{&g, g.find_output("logits")};
  const std::vector<ir::Update> updates = g.updates();
  g.clear_results();
  for (const ir::Update& u : updates) g.update(u.state, u.value);

  const Expr labels = ir::input(g, "labels", type.labels);
  const Expr loss = ir::reduce_mean(nn::sample_losses(options.loss, logits, labels), {0});
  g.output("loss", loss.id);
  if (options.accuracy) g.output("hits", ir::reduce_sum(nn::sample_hits(logits, labels), {0}).id);

  ir::Graph step = passes::differentiate(g, "loss");
  step = nn::apply_optimizer(step, options.optimizer, built.states);
  step.set_name(network.name() + ".train");
  step = passes::prepare(step, {options.batch, options.shards}, options.passes);
  return {std::move(step), std::move(built.states)};
}

void add_missing_states(const GraphAndStates& step, uint64_t seed, exec::StateStore& states) {
  for (const nn::StateInit& s : step.states)
    if (!states.contains(s.name)) states.emplace(s.name, nn::initialize(s, seed));
  states.try_emplace("train/seed", Tensor::scalar_i64(static_cast<int64_t>(seed)));
  states.try_emplace("train/step", Tensor::scalar_i64(0));
}

ir::Graph evaluation_graph(const nn::Network& network, const BatchType& type, Loss loss,
                           bool with_labels, const passes::PassOptions& passes) {
  ir::Graph g = network.build(nn::Mode::inference, type.images).graph;
  g.set_name(network.name() + (with_labels ? ".evaluate" : ".predict"));
  if (!with_labels) return passes::prepare_inference(g, passes);
  const Expr logits{&g, g.find_output("logits")};
  const Expr labels = ir::input(g, "labels", type.labels);
  g.output("losses", nn::sample_losses(loss, logits, labels).id);
  if (logits.rank() == 2 &&
      (labels.dtype() == DType::i64 || loss.kind == Loss::Kind::softmax_cross_entropy))
    g.output("hits", nn::sample_hits(logits, labels).id);
  return passes::prepare_inference(g, passes);
}

}  // namespace hone::train

// SGD, Adam and AdamW from primitives; fusion makes each parameter's update one pass over its
// memory.
#include "nn/optimizer.h"

#include <cmath>
#include <numbers>

#include "kernels/interpreter.h"

namespace hone {

Optimizer sgd(SgdOptions o) {
  Optimizer out{.kind = Optimizer::Kind::sgd, .lr = o.lr};
  out.momentum = o.momentum;
  out.nesterov = o.nesterov;
  out.weight_decay = o.weight_decay;
  out.schedule = o.schedule;
  return out;
}

namespace {

Optimizer adam_like(Optimizer::Kind kind, const AdamOptions& o, double default_decay) {
  Optimizer out{.kind = kind, .lr = o.lr};
  out.beta1 = o.beta1;
  out.beta2 = o.beta2;
  out.epsilon = o.epsilon;
  out.weight_decay = o.weight_decay.value_or(default_decay);
  out.schedule = o.schedule;
  return out;
}

}  // namespace

Optimizer adam(AdamOptions o) { return adam_like(Optimizer::Kind::adam, o, 0); }
Optimizer adamw(AdamOptions o) { return adam_like(Optimizer::Kind::adamw, o, 0.01); }

}  // namespace hone

namespace hone::nn {

using ir::Expr;

namespace {

constexpr std::string_view kGradient = "grad/";

/// The graph being extended, and the states that the optimiser adds to it.
class Updates {
 public:
  Updates(ir::Graph* graph, const Optimizer& optimizer, std::vector<StateInit>* states)
      : graph_(*graph), o_(optimizer), states_(*states) {
    Expr step{graph, graph->find_state("train/step")};
    if (step.id == ir::kNoValue) step = ir::state(graph_, "train/step", {DType::i64, {}}, false);
    graph_.update(step.id, (step + 1).id);
    Expr length;
    if (o_.schedule.kind != Schedule::Kind::constant) {
      const auto steps = static_cast<double>(o_.schedule.steps);
      states_.push_back(
          {std::string(kScheduleSteps), {DType::f32, {}}, Initializer::constant(steps)});
      length = ir::state(graph_, std::string(kScheduleSteps), {DType::f32, {}}, false);
    }
    rate_ = learning_rate(o_, step, length);
    if (o_.kind != Optimizer::Kind::sgd) {
      correction1_ = correction("optimizer/correction1", o_.beta1);
      correction2_ = correction("optimizer/correction2", o_.beta2);
    }
  }

  void update(Expr p, Expr g) {
    const std::string path = graph_.producer(p.id).name;  // a copy: appending moves nodes
    if (o_.weight_decay != 0 && o_.kind != Optimizer::Kind::adamw) g = g + p * o_.weight_decay;
    const Expr step = o_.kind == Optimizer::Kind::sgd ? sgd_step(path, g) : adam_step(path, g);
    Expr kept = p;
    if (o_.kind == Optimizer::Kind::adamw) kept = p - p * (rate_ * o_.weight_decay);
    graph_.update(p.id, (kept - rate_ * step).id);
  }

 private:
  Expr add_state(const std::string& name, const Shape& shape) {
    states_.push_back({name, {DType::f32, shape}, Initializer::zeros()});
    return ir::state(graph_, name, {DType::f32, shape}, false);
  }
  Expr follow(Expr state, Expr next) {
    graph_.update(state.id, next.id);
    return next;
  }

  // 1 - beta^t as a recurrence from 0: no cancellation, where 1 - pow(beta, t) would lose digits.
  Expr correction(const std::string& name, double beta) {
    const Expr c = add_state(name, {});
    return follow(c, c * beta + (1 - beta));
  }

  Expr sgd_step(const std::string& path, Expr g) {
    if (o_.momentum == 0) return g;
    const Expr old = add_state("optimizer/" + path + "/momentum", g.shape());
    const Expr v = follow(old, old * o_.momentum + g);
    return o_.nesterov ? g + v * o_.momentum : v;
  }

  Expr adam_step(const std::string& path, Expr g) {
    const Expr m_old = add_state("optimizer/" + path + "/m", g.shape());
    const Expr v_old = add_state("optimizer/" + path + "/v", g.shape());
    const Expr m = follow(m_old, m_old * o_.beta1 + g * (1 - o_.beta1));
    const Expr v = follow(v_old, v_old * o_.beta2 + g * g * (1 - o_.beta2));
    return (m / correction1_) / (ir::sqrt(v / correction2_) + o_.epsilon);
  }

  ir::Graph& graph_;
  const Optimizer& o_;
  std::vector<StateInit>& states_;
  Expr rate_, correction1_, correction2_;
};

}  // namespace

Expr learning_rate(const Optimizer& o, Expr step, Expr length) {
  const Schedule& s = o.schedule;
  const Expr t = ir::cast(step, DType::f32);
  Expr rate = ir::constant(*step.graph, Tensor::scalar(static_cast<float>(o.lr)));
  switch (s.kind) {
    case Schedule::Kind::constant:
      break;
    case Schedule::Kind::step: {
      require(s.steps > 0 && s.factor > 0, "schedule 'step': expected positive steps and factor");
      const Expr drops = ir::cast(ir::cast(t / length, DType::i64), DType::f32);
      rate = rate * ir::exp(drops * std::log(s.factor));
      break;
    }
    case Schedule::Kind::cosine: {
      require(s.steps > 0, "schedule 'cosine': expected a positive number of steps");
      const Expr done = ir::minimum(t / length, 1);
      const Expr wave = ir::cos(done * std::numbers::pi) * 0.5 + 0.5;
      rate = rate * (wave * (1 - s.factor) + s.factor);
      break;
    }
  }
  if (s.warmup > 0) rate = rate * ir::minimum((t + 1) / static_cast<double>(s.warmup), 1);
  return rate;
}

float learning_rate(const Optimizer& optimizer, int64_t step) {
  ir::Graph g("learning_rate");
  const auto steps = static_cast<float>(optimizer.schedule.steps);
  const Expr length = ir::constant(g, Tensor::scalar(steps));
  g.output("rate", learning_rate(optimizer, ir::input(g, "step", {DType::i64, {}}), length).id);
  const auto found = kernels::interpret(g, {{"step", Tensor::scalar_i64(step)}});
  return found.outputs.at("rate").data<float>()[0];
}

ir::Graph apply_optimizer(const ir::Graph& differentiated, const Optimizer& optimizer,
                          std::vector<StateInit>& states) {
  ir::Graph graph = differentiated;
  const std::vector<ir::Output> outputs = graph.outputs();
  const std::vector<ir::Update> updates = graph.updates();
  graph.clear_results();
  for (const ir::Update& u : updates) graph.update(u.state, u.value);
  Updates optimize(&graph, optimizer, &states);
  for (const ir::Output& o : outputs) {
    if (!o.name.starts_with(kGradient)) {
      graph.output(o.name, o.value);
      continue;
    }
    const ir::ValueId p = graph.find_state(std::string_view(o.name).substr(kGradient.size()));
    optimize.update({&graph, p}, {&graph, o.value});
  }
  return graph;
}

}  // namespace hone::nn

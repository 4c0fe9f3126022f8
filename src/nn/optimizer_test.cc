// Every optimiser and schedule against its textbook loop in double precision. Constants of a graph
// are f32, so the loops round theirs likewise; all else must agree to 1e-9.
#include "nn/optimizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "kernels/interpreter.h"

namespace hone::nn {
namespace {

using Vector = std::vector<double>;
using Tensors = std::map<std::string, Tensor>;

constexpr double kTolerance = 1e-9;
constexpr int64_t kSteps = 12;

/// As a constant of a graph is held.
double rounded(double x) { return static_cast<double>(static_cast<float>(x)); }

Tensor tensor_of(const Vector& v) {
  return Tensor::from<double>({static_cast<int64_t>(v.size())}, v);
}

Vector vector_of(const Tensor& t) { return {t.data<double>(), t.data<double>() + t.elements()}; }

/// Gradients of several sizes and signs, other ones at each step.
Vector gradient(int64_t step, size_t elements) {
  Vector g(elements);
  for (size_t i = 0; i < elements; ++i)
    g[i] = std::sin(1.7 * static_cast<double>(step) + static_cast<double>(3 * i)) *
           std::pow(10.0, static_cast<double>(i) - 2);
  return g;
}

/// Two parameters with a gradient each, which are inputs.
ir::Graph differentiated() {
  ir::Graph g("two");
  for (const std::string name : {"a", "b"}) {
    const int64_t n = name == "a" ? 3 : 1;
    ir::state(g, name, {DType::f32, {n}}, true);
    g.output("grad/" + name, ir::input(g, "g_" + name, {DType::f32, {n}}).id);
  }
  g.output("loss", ir::constant(g, Tensor::scalar(5)).id);
  return g;
}

Tensors first_states(const std::vector<StateInit>& added) {
  Tensors states{{"a", tensor_of({0.5, -2, 3})}, {"b", tensor_of({1.25})}};
  states["train/step"] = Tensor::scalar_i64(0);
  for (const StateInit& s : added) {
    EXPECT_EQ(s.init.kind, Initializer::Kind::constant) << s.name;
    EXPECT_EQ(s.init.a == 0, s.name != kScheduleSteps) << s.name;
    Tensor first(DType::f64, s.type.shape);
    std::fill_n(first.data<double>(), first.elements(), s.init.a);
    states[s.name] = std::move(first);
  }
  return states;
}

/// The optimiser as the papers give it, for one vector of parameters.
class Loop {
 public:
  Loop(const Optimizer& o, Vector p) : o_(o), p_(std::move(p)), m_(p_.size()), v_(p_.size()) {}

  const Vector& step(const Vector& gradient) {
    ++t_;
    for (size_t i = 0; i < p_.size(); ++i) update(p_[i], gradient[i], m_[i], v_[i]);
    return p_;
  }

 private:
  void update(double& p, double g, double& m, double& v) const {
    const double lr = rounded(o_.lr), decay = rounded(o_.weight_decay);
    if (o_.kind != Optimizer::Kind::adamw) g += decay * p;
    if (o_.kind == Optimizer::Kind::sgd) {
      const double momentum = rounded(o_.momentum);
      m = momentum * m + g;
      p -= lr * (o_.nesterov ? g + momentum * m : m);
      return;
    }
    const double beta1 = rounded(o_.beta1), beta2 = rounded(o_.beta2);
    const double alpha1 = rounded(1 - o_.beta1), alpha2 = rounded(1 - o_.beta2);
    m = beta1 * m + alpha1 * g;
    v = beta2 * v + alpha2 * g * g;
    const double m_hat = m / correction(beta1, alpha1);
    const double v_hat = v / correction(beta2, alpha2);
    if (o_.kind == Optimizer::Kind::adamw) p -= lr * decay * p;
    p -= lr * m_hat / (std::sqrt(v_hat) + rounded(o_.epsilon));
  }
  // The sum of the weights of t gradients: alpha (1 + beta + ... + beta^(t-1)), which is
  // 1 - beta^t where alpha is 1 - beta.
  double correction(double beta, double alpha) const {
    double sum = 0;
    for (int64_t i = 0; i < t_; ++i) sum += std::pow(beta, static_cast<double>(i));
    return alpha * sum;
  }

  Optimizer o_;
  Vector p_, m_, v_;
  int64_t t_ = 0;
};

void expect_near(const Vector& found, const Vector& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], kTolerance * std::max(1.0, std::abs(expected[i])))
        << what << '[' << i << ']';
}

struct Sample {
  std::string name;
  Optimizer optimizer;
};

class OptimizerSteps : public testing::TestWithParam<Sample> {};

TEST_P(OptimizerSteps, FollowTheLoopInDouble) {
  const Optimizer& optimizer = GetParam().optimizer;
  std::vector<StateInit> added;
  const ir::Graph graph = apply_optimizer(differentiated(), optimizer, added);
  Tensors states = first_states(added);
  Loop a(optimizer, vector_of(states["a"])), b(optimizer, vector_of(states["b"]));
  for (int64_t t = 0; t < kSteps; ++t) {
    const Vector ga = gradient(t, 3), gb = gradient(t + 100, 1);
    const kernels::Evaluation now =
        kernels::interpret(graph, {{"g_a", tensor_of(ga)}, {"g_b", tensor_of(gb)}}, states, true);
    const std::string at = " after step " + std::to_string(t);
    expect_near(vector_of(now.updates.at("a")), a.step(ga), "a" + at);
    expect_near(vector_of(now.updates.at("b")), b.step(gb), "b" + at);
    EXPECT_EQ(now.updates.at("train/step").data<int64_t>()[0], t + 1);
    EXPECT_EQ(now.updates.size(), states.size());
    for (const auto& [name, value] : now.updates) states[name] = value;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, OptimizerSteps,
    testing::Values(
        Sample{"sgd", sgd({.lr = 0.1})}, Sample{"decay", sgd({.lr = 0.1, .weight_decay = 0.03})},
        Sample{"momentum", sgd({.lr = 0.1, .momentum = 0.9})},
        Sample{"momentum_decay", sgd({.lr = 0.1, .momentum = 0.9, .weight_decay = 0.03})},
        Sample{"nesterov", sgd({.lr = 0.1, .momentum = 0.9, .nesterov = true})},
        Sample{"nesterov_decay",
               sgd({.lr = 0.1, .momentum = 0.8, .nesterov = true, .weight_decay = 0.03})},
        Sample{"adam", adam()},
        Sample{"adam_options", adam({.lr = 0.05, .beta1 = 0.7, .beta2 = 0.95, .epsilon = 1e-3})},
        Sample{"adam_decay", adam({.lr = 0.05, .weight_decay = 0.03})}, Sample{"adamw", adamw()},
        Sample{"adamw_decay", adamw({.lr = 0.05, .weight_decay = 0.1})}),
    [](const auto& info) { return info.param.name; });

TEST(Optimizer, KeepsOtherOutputsAndUsesUpTheGradients) {
  std::vector<StateInit> added;
  const ir::Graph graph = apply_optimizer(differentiated(), sgd({.momentum = 0.9}), added);
  ASSERT_EQ(graph.outputs().size(), 1u);
  EXPECT_EQ(graph.outputs()[0].name, "loss");
  ASSERT_EQ(added.size(), 2u);
  EXPECT_EQ(added[0].name, "optimizer/a/momentum");
  EXPECT_EQ(added[1].name, "optimizer/b/momentum");
}

TEST(Optimizer, SharesTheStepThatALayerReads) {
  ir::Graph g = differentiated();
  const ir::Expr step = ir::state(g, "train/step", {DType::i64, {}}, false);
  g.output("step", step.id);
  std::vector<StateInit> added;
  const ir::Graph graph = apply_optimizer(g, sgd(), added);
  EXPECT_EQ(graph.states().size(), 3u);
  EXPECT_TRUE(added.empty());
}

TEST(Optimizer, AdamwDecaysByDefaultWhateverElseIsSet) {
  EXPECT_EQ(adamw().weight_decay, 0.01);
  EXPECT_EQ(adamw({.lr = 0.1}).weight_decay, 0.01);
  EXPECT_EQ(adamw({.weight_decay = 0}).weight_decay, 0);
  EXPECT_EQ(adam({.lr = 0.1}).weight_decay, 0);
}

Vector rates(const Schedule& schedule, int64_t steps, double lr = 0.3) {
  ir::Graph g("rate");
  const ir::Expr step = ir::state(g, "step", {DType::i64, {}}, false);
  g.output("rate",
           learning_rate(sgd({.lr = lr, .schedule = schedule}), step,
                         ir::constant(g, Tensor::scalar(static_cast<float>(schedule.steps))))
               .id);
  Vector out;
  for (int64_t t = 0; t < steps; ++t) {
    const Tensors states{{"step", Tensor::scalar_i64(t)}};
    out.push_back(kernels::interpret(g, {}, states, true).outputs.at("rate").data<double>()[0]);
  }
  return out;
}

TEST(Schedule, ConstantKeepsTheRate) {
  expect_near(rates(Schedule::constant(), 5), Vector(5, rounded(0.3)), "rate");
}

TEST(Schedule, StepDropsAtEachMultiple) {
  const double log_factor = rounded(std::log(0.2));
  const Vector found = rates(Schedule::step(7, 0.2), 30);
  Vector expected;
  for (int64_t t = 0; t < 30; ++t) {
    const int64_t drops = t / 7;
    expected.push_back(rounded(0.3) * std::exp(static_cast<double>(drops) * log_factor));
  }
  expect_near(found, expected, "rate");
  EXPECT_NEAR(found[7], 0.3 * 0.2, 1e-7);
  EXPECT_NEAR(found[14], 0.3 * 0.2 * 0.2, 1e-7);
}

TEST(Schedule, CosineEndsAtTheFinalFractionAndStaysThere) {
  const double pi = rounded(std::numbers::pi);
  for (const double final : {0.0, 0.1}) {
    const Vector found = rates(Schedule::cosine(20, final), 30);
    Vector expected;
    for (int64_t t = 0; t < 30; ++t) {
      const double wave = 0.5 + 0.5 * std::cos(std::min(static_cast<double>(t) / 20, 1.0) * pi);
      expected.push_back(rounded(0.3) * (rounded(final) + rounded(1 - final) * wave));
    }
    expect_near(found, expected, "rate");
    EXPECT_NEAR(found[0], 0.3, 1e-7);
    EXPECT_NEAR(found[10], 0.3 * (1 + final) / 2, 1e-7);
    EXPECT_NEAR(found[29], 0.3 * final, 1e-7);
  }
}

TEST(Schedule, WarmupClimbsLinearlyAndMultipliesEachSchedule) {
  for (const Schedule& s :
       {Schedule::constant(), Schedule::step(3, 0.5), Schedule::cosine(20, 0.1)}) {
    const Vector bare = rates(s, 12), found = rates(s.with_warmup(5), 12);
    Vector expected;
    for (int64_t t = 0; t < 12; ++t)
      expected.push_back(bare[static_cast<size_t>(t)] *
                         std::min(static_cast<double>(t + 1) / 5, 1.0));
    expect_near(found, expected, "rate");
  }
}

TEST(Schedule, IsANumberForWhoeverWatches) {
  const Optimizer o = adam({.lr = 0.5, .schedule = Schedule::step(2, 0.25)});
  EXPECT_EQ(learning_rate(o, 1), 0.5f);
  EXPECT_FLOAT_EQ(learning_rate(o, 2), 0.125f);
}

TEST(Schedule, RefusesWhatDoesNotMove) {
  EXPECT_THROW(rates(Schedule::step(0, 0.5), 1), Error);
  EXPECT_THROW(rates(Schedule::step(3, 0), 1), Error);
  EXPECT_THROW(rates(Schedule::cosine(0), 1), Error);
}

// The rate that a step applies is that of the count of updates before it.
TEST(Schedule, IsReadBeforeTheStepIsCounted) {
  const Optimizer o = sgd({.lr = 0.5, .schedule = Schedule::step(2, 0.25)});
  std::vector<StateInit> added;
  const ir::Graph graph = apply_optimizer(differentiated(), o, added);
  Tensors states = first_states(added);
  const Vector expected = rates(o.schedule, 6, o.lr);
  const Tensors inputs{{"g_a", tensor_of({1, 1, 1})}, {"g_b", tensor_of({1})}};
  for (size_t t = 0; t < 6; ++t) {
    const kernels::Evaluation now = kernels::interpret(graph, inputs, states, true);
    const double moved = states["b"].data<double>()[0] - now.updates.at("b").data<double>()[0];
    EXPECT_NEAR(moved, expected[t], kTolerance) << "step " << t;
    for (const auto& [name, value] : now.updates) states[name] = value;
  }
}

}  // namespace
}  // namespace hone::nn

// Gradients against central differences in double precision, for every rule, on random nodes; and
// the structure of differentiated graphs: what is computed, and what is not.
#include "passes/autodiff.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "kernels/interpreter.h"
#include "kernels/problems.h"
#include "passes/gradients.h"

namespace hone::passes {
namespace {

using namespace ir;  // NOLINT(google-build-using-namespace): expressions read better without ir::
using kernels::Case;
using kernels::Evaluation;
using kernels::interpret;
using Tensors = std::map<std::string, Tensor>;

/// How many nodes of each op a graph has.
int64_t nodes_of(const Graph& g, const OpSpec& op) {
  int64_t n = 0;
  for (const Node& node : g.nodes()) n += node.is(op);
  return n;
}

Expr loss_of(Expr loss) {
  loss.graph->output("loss", loss.id);
  return loss;
}

/// A tensor of doubles in [-1, 1) that depends on the name only.
Tensor weights(const Shape& shape, std::string_view name) {
  Tensor out(DType::f64, shape);
  for (int64_t i = 0; i < out.elements(); ++i) {
    const uint64_t bits = mix(key_of(name), static_cast<uint64_t>(i));
    out.data<double>()[i] = static_cast<double>(bits >> 11) * 0x1p-52 - 1;
  }
  return out;
}

/// The loss sum(y * r) + ... over the float results of the node of a case, whose float operands
/// become trainable states; r is fixed.
struct GradientProblem {
  Graph graph{"gradient"};
  Tensors inputs, states;
};
GradientProblem gradient_problem(const Case& c) {
  GradientProblem p;
  std::vector<ValueId> operands;
  for (ValueId v : c.node().operands) {
    const std::string& name = c.graph.producer(v).name;
    const TensorType& type = c.graph.type(v);
    const bool is_state = type.dtype == DType::f32;
    operands.push_back(is_state ? p.graph.state(name, type, true) : p.graph.input(name, type));
    const Tensor& value = c.operands.at(name);
    if (is_state) p.states[name] = value.cast(DType::f64);
    else p.inputs[name] = value;
  }
  const NodeId node = p.graph.append(*c.node().op, operands, c.node().attrs, "node");
  Expr loss;
  for (ValueId v : std::vector<ValueId>(p.graph.node(node).results)) {
    const Expr y{&p.graph, v};
    if (y.dtype() != DType::f32) continue;
    const Expr r = constant(p.graph, weights(y.shape(), "r").cast(DType::f32));
    Ints axes;
    for (int i = 0; i < y.rank(); ++i) axes.push_back(i);
    const Expr term = reduce_sum(y * r, axes);
    loss = loss ? loss + term : term;
  }
  if (loss) loss_of(loss);
  return p;
}

/// Compares each element of each gradient, up to a few dozen of a tensor, with
/// (L(x + h) - L(x - h)) / 2h.
void check_gradients(const Graph& graph, const Tensors& inputs, Tensors states) {
  const Graph differentiated = differentiate(graph, "loss");
  verify(differentiated, Level::differentiated);
  const Evaluation found = interpret(differentiated, inputs, states, true);
  const auto loss = [&] {
    return interpret(graph, inputs, states, true).outputs.at("loss").data<double>()[0];
  };
  constexpr double kStep = 1e-5;
  for (auto& [name, tensor] : states) {
    const Tensor& gradient = found.outputs.at("grad/" + name);
    ASSERT_EQ(gradient.shape(), tensor.shape());
    tensor = tensor.clone();  // the case's own memory stays
    const int64_t every = tensor.elements() / 24 + 1;
    for (int64_t i = 0; i < tensor.elements(); i += every) {
      double& x = tensor.data<double>()[i];
      const double at = x;
      x = at + kStep;
      const double above = loss();
      x = at - kStep;
      const double below = loss();
      x = at;
      const double expected = (above - below) / (2 * kStep);
      ASSERT_NEAR(gradient.data<double>()[i], expected, 1e-6 * std::max(1.0, std::abs(expected)))
          << "element " << i << " of the gradient of '" << name << "'";
    }
  }
}

class Rules : public testing::TestWithParam<std::string> {};

TEST_P(Rules, AgreeWithCentralDifferences) {
  const OpSpec& op = *find_op(GetParam());
  kernels::CaseOptions options{.small = true, .epilogues = false};
  const bool needs_positive = &op == &op::log || &op == &op::sqrt || &op == &op::pow;
  options.values = needs_positive ? kernels::Values::positive : kernels::Values::smooth;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Case c = random_case(op, seed, options);
    SCOPED_TRACE(c.describe());
    const GradientProblem p = gradient_problem(c);
    ASSERT_NE(p.graph.find_output("loss"), kNoValue);
    check_gradients(p.graph, p.inputs, p.states);
    if (HasFatalFailure()) return;
  }
}

std::vector<std::string> ops_with_rules() {
  std::vector<std::string> names;
  for (const GradientRow& row : gradient_rows())
    if (!row.operands.empty()) names.emplace_back(row.op->name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Gradients, Rules, testing::ValuesIn(ops_with_rules()),
                         [](const auto& info) { return info.param; });

TEST(Gradients, EveryOpHasARuleOrAReason) {
  for (const OpSpec* op : builtin_ops()) {
    int rows = 0;
    for (const GradientRow& row : gradient_rows()) rows += row.op == op;
    for (const NotDifferentiable& row : not_differentiable()) rows += row.op == op;
    EXPECT_EQ(rows, 1) << "op '" << op->name << "' needs one gradient rule or one reason why not";
  }
}

TEST(Gradients, SumToAddsTheBatchFirst) {
  Graph g;
  const Expr x = input(g, "x", {DType::f32, {kBatch, 8, 4, 4}});
  const Expr sum = sum_to(x, {8, 1, 1});
  EXPECT_EQ(sum.shape(), (Shape{8, 1, 1}));
  EXPECT_EQ(g.node(1).attrs.ints("axes"), (Ints{0, 2, 3}));
}

// At a kink the documented operand, or place, takes the gradient.
TEST(Gradients, AtTheKinks) {
  Graph g;
  const Expr a = state(g, "a", {DType::f32, {3}}, true);
  const Expr b = state(g, "b", {DType::f32, {3}}, true);
  loss_of(reduce_sum(maximum(a, b) + minimum(a, b) * 10 + relu(a) * 100 + abs(a) * 1000 +
                         reduce_max(a, {0}) * 10000,
                     {0}));
  const Tensor zeros(DType::f32, {3});
  const Evaluation out = interpret(differentiate(g, "loss"), {}, {{"a", zeros}, {"b", zeros}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(out.outputs.at("grad/a").data<float>()[i], 11 + 10000);  // 3 * 10000, shared by 3
    EXPECT_EQ(out.outputs.at("grad/b").data<float>()[i], 0);
  }
}

/// -mean(one_hot(labels) * log_softmax(logits)).
Expr cross_entropy(Expr logits, Expr labels) {
  const Expr shifted = logits - detached_max(logits, {1});
  const Expr log_softmax = shifted - log(reduce_sum(exp(shifted), {1}, true));
  const Expr picked = one_hot(labels, logits.shape()[1]) * log_softmax;
  return -reduce_mean(reduce_sum(picked, {1}), {0});
}

/// A little network with a convolution, batch statistics and a linear layer.
Graph network(int64_t batch) {
  Graph g("network");
  const Expr x = input(g, "x", {DType::f32, {batch, 2, 5, 5}});
  const Expr labels = input(g, "labels", {DType::i64, {batch}});
  const Expr w = state(g, "conv.weight", {DType::f32, {3, 2, 3, 3}}, true);
  const Expr gamma = state(g, "norm.weight", {DType::f32, {1, 3, 1, 1}}, true);
  const Expr v = state(g, "fc.weight", {DType::f32, {12, 4}}, true);
  const Expr b = state(g, "fc.bias", {DType::f32, {4}}, true);
  state(g, "unused", {DType::f32, {2, 2}}, true);
  const Expr conv = conv2d(x, w, {.pad = {1, 1, 1, 1}});
  const Moments m = moments(conv, {0, 2, 3});
  const Expr norm = (conv - m.mean) / sqrt(m.m2 / count(conv, {0, 2, 3}) + 1e-5) * gamma;
  const Expr pooled = max_pool2d(relu(norm));
  loss_of(cross_entropy(matmul(reshape(pooled, {batch, 12}), v) + b, labels));
  return g;
}

TEST(Autodiff, TrainsANetworkEndToEnd) {
  const Graph g = network(3);
  Tensors states;
  for (ValueId s : g.states()) states[g.producer(s).name] = weights(g.shape(s), g.producer(s).name);
  const Tensors inputs = {{"x", weights({3, 2, 5, 5}, "x")},
                          {"labels", Tensor::from<int64_t>({3}, std::vector<int64_t>{0, 3, 1})}};
  check_gradients(g, inputs, states);
}

// The whole of a linear regression, as text: forward, backward, nothing else.
TEST(Autodiff, ReadsLikeThePaper) {
  Graph g("regression");
  const Expr x = input(g, "x", {DType::f32, {kBatch, 3}});
  const Expr w = state(g, "w", {DType::f32, {3, 2}}, true);
  const Expr b = state(g, "b", {DType::f32, {2}}, true);
  loss_of(reduce_mean(matmul(x, w, false, false, "fit") + b, {0, 1}));
  EXPECT_EQ(to_text(differentiate(g, "loss")), R"text(graph regression {
  %x = input "x" : f32[N,3]
  %w = state "w" trainable : f32[3,2]
  %b = state "b" trainable : f32[2]
  %3 = matmul(%x, %w) "fit" : f32[N,2]
  %4 = add(%3, %b) : f32[N,2]
  %5 = reduce_sum(%4) {axes=[0, 1]} : f32[]
  %6 = dim(%4) {axis=0} : f32[]
  %7 = constant 2 : f32[]
  %8 = mul(%6, %7) : f32[]
  %9 = div(%5, %8) : f32[]
  %10 = constant 1 : f32[]
  %11 = div(%10, %8) "grad(div)" : f32[]
  %12 = reshape(%11) {shape=[1, 1]} "grad(reduce_sum)" : f32[1,1]
  %13 = broadcast(%12) {shape=[-1, 2]} "grad(reduce_sum)" : f32[N,2]
  %14 = reduce_sum(%13) {axes=[0]} "grad(add)" : f32[2]
  %15 = matmul(%x, %13) {trans_a=1} "grad(fit)" : f32[3,2]
  output "loss" = %9
  output "grad/w" = %15
  output "grad/b" = %14
}
)text");
}

TEST(Autodiff, WorksOnTheSymbolicBatch) {
  const Graph symbolic = differentiate(network(kBatch), "loss");
  const Graph bound = differentiate(network(3), "loss");
  for (const Output& o : bound.outputs())
    EXPECT_EQ(symbolic.type(symbolic.find_output(o.name)), bound.type(o.value)) << o.name;
  EXPECT_EQ(nodes_of(symbolic, op::conv2d_grad_weight), 1);
}

TEST(Autodiff, ComputesNoGradientThatNobodyNeeds) {
  const Graph g = differentiate(network(kBatch), "loss");
  EXPECT_EQ(nodes_of(g, op::conv2d_grad_input), 0);  // the input's
  EXPECT_EQ(nodes_of(g, op::matmul), 3);             // forward, dv, d(pooled)
  EXPECT_EQ(nodes_of(g, op::equal), 0);              // the softmax's shift is a constant
  std::vector<int> uses = g.use_counts();
  for (size_t v = network(kBatch).values().size(); v < g.values().size(); ++v)
    EXPECT_GT(uses[v], 0) << "value " << v << " (" << g.producer(static_cast<ValueId>(v)).op->name
                          << ") is never read";
}

TEST(Autodiff, KeepsTheGraphAndAppendsOutputsInTheOrderOfTheStates) {
  const Graph before = network(2);
  const Graph after = differentiate(before, "loss");
  for (size_t i = 0; i < before.nodes().size(); ++i)
    EXPECT_EQ(after.nodes()[i].op, before.nodes()[i].op);
  std::vector<std::string> names;
  for (const Output& o : after.outputs()) names.push_back(o.name);
  EXPECT_EQ(names, (std::vector<std::string>{"loss", "grad/conv.weight", "grad/norm.weight",
                                             "grad/fc.weight", "grad/fc.bias", "grad/unused"}));
}

TEST(Autodiff, AStateThatTheLossDoesNotReachHasZeroGradient) {
  const Graph g = differentiate(network(2), "loss");
  const Node& node = g.producer(g.find_output("grad/unused"));
  ASSERT_TRUE(node.is(op::broadcast));
  EXPECT_EQ(g.producer(node.operands[0]).attrs.get<Tensor>("value").data<float>()[0], 0);
}

// x is read three times: the last reader's gradient comes first.
TEST(Autodiff, AddsTheGradientsOfRepeatedUsesFromTheLastToTheFirst) {
  Graph g;
  const Expr x = state(g, "x", {DType::f32, {}}, true);
  const Expr first = exp(x);
  const Expr second = sqrt(first * x);
  loss_of(second * x);
  const Graph d = differentiate(g, "loss");
  const Node& sum = d.producer(d.find_output("grad/x"));
  ASSERT_TRUE(sum.is(op::add));
  const Node& later = d.producer(sum.operands[0]);
  ASSERT_TRUE(later.is(op::add));
  EXPECT_EQ(d.producer(later.operands[0]).operands[1], second.id);  // d(second * x)/dx
  EXPECT_EQ(d.producer(later.operands[1]).operands[1], first.id);   // d(first * x)/dx
  EXPECT_EQ(d.producer(sum.operands[1]).operands[1], first.id);     // d exp(x)/dx
  check_gradients(g, {}, {{"x", Tensor::from<double>({}, std::vector<double>{0.7})}});
}

TEST(Autodiff, PassesNoGradientThroughWhatIsFlat) {
  Graph g;
  const Expr x = state(g, "x", {DType::f32, {3}}, true);
  const Expr flat = cast(cast(x, DType::i64), DType::f32) + cast(greater(x, 0), DType::f32);
  loss_of(reduce_sum(flat + detached_max(x, {0}), {0}));
  const Graph d = differentiate(g, "loss");
  EXPECT_TRUE(d.producer(d.find_output("grad/x")).is(op::broadcast));
}

std::string refusal(const Graph& g, std::string_view loss) {
  try {
    differentiate(g, loss);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Autodiff, SaysWhyItRefuses) {
  Graph g("net");
  const Expr x = state(g, "x", {DType::f32, {3}}, true);
  Graph body("body");
  body.output("y", exp(input(body, "i", x.type())).id);
  const Expr fused =
      apply(op::fused, {x}, {{"body", std::make_shared<const Graph>(std::move(body))}}, "chain");
  g.output("vector", x.id);
  g.output("loss", reduce_sum(fused, {0}).id);
  EXPECT_EQ(refusal(g, "lost"), "graph 'net' has no output 'lost' to differentiate");
  EXPECT_EQ(refusal(g, "vector"),
            "output 'vector': expected a float scalar to differentiate, found f32[3]");
  EXPECT_EQ(refusal(g, "loss"), "fused 'chain': cannot differentiate: differentiate before fusing");
}

}  // namespace
}  // namespace hone::passes

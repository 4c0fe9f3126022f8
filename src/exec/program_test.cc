// Programs compute what the graph says: the bits of the interpreter, on graphs made to trouble the
// planner, on every level and through every pass.
#include <gtest/gtest.h>

#include "exec/executor.h"
#include "ir/expr.h"
#include "ir/text.h"
#include "kernels/interpreter.h"
#include "kernels/node_check.h"
#include "kernels/problem_values.h"
#include "passes/pipeline.h"
#include "plan/plan.h"

namespace hone::exec {
namespace {

using ir::Expr;

std::map<std::string, Tensor> random_values(const ir::Graph& g,
                                            const std::vector<ir::ValueId>& sources,
                                            kernels::Draw& draw) {
  std::map<std::string, Tensor> out;
  for (ir::ValueId v : sources)
    out[g.producer(v).name] =
        kernels::random_tensors(draw, {g.type(v)}, kernels::Values::plain, {})[0];
  return out;
}

// Two runs, so that the second starts from what the first left in the states.
void expect_as_interpreted(const ir::Graph& g, const ir::Graph& lowered, Isa isa, uint64_t seed) {
  ThreadPool pool(2);
  const auto program = std::make_shared<const plan::Program>(plan::plan(lowered, {isa, 2}));
  EXPECT_LE(program->arena_bytes,
            program->naive_bytes + 64 * 1024 * static_cast<int64_t>(program->steps.size()));
  Executor executor(program, &pool);
  kernels::Draw draw(seed);
  StateStore states = random_values(g, g.states(), draw);
  for (int run = 0; run < 2; ++run) {
    const auto inputs = random_values(g, g.inputs(), draw);
    const StateStore before = clone(states);
    const kernels::Evaluation expected = kernels::interpret(g, inputs, before);
    executor.run(inputs, states);
    for (const auto& [name, tensor] : expected.outputs)
      EXPECT_TRUE(kernels::equal_bits(executor.output(name), tensor))
          << "output " << name << ", run " << run;
    for (const auto& [name, tensor] : before) {
      const auto next = expected.updates.find(name);
      EXPECT_TRUE(kernels::equal_bits(states.at(name),
                                      next == expected.updates.end() ? tensor : next->second))
          << "state " << name << ", run " << run;
    }
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << name_of(isa) << " seed " << seed << "\n"
                    << ir::to_text(lowered) << program->to_text();
      return;
    }
  }
}

void expect_runs(const ir::Graph& g, uint64_t seed = 0) {
  const ir::Graph lowered = passes::lower(g);
  for (Isa isa : available_isas()) {
    expect_as_interpreted(g, g, isa, seed);
    expect_as_interpreted(g, lowered, isa, seed);
  }
}

const TensorType kSquare{DType::f32, {6, 6}};

TEST(Program, StatesThatSwapAndTurn) {
  ir::Graph g;
  std::vector<Expr> s;
  for (const char* name : {"a", "b", "c", "d", "e"}) s.push_back(ir::state(g, name, kSquare, true));
  g.update(s[0].id, s[1].id);
  g.update(s[1].id, s[0].id);
  g.update(s[2].id, s[3].id);
  g.update(s[3].id, s[4].id);
  g.update(s[4].id, ir::reshape(ir::reshape(s[2], {36}), {6, 6}).id);
  g.output("a", ir::reshape(s[0], {36}).id);
  expect_runs(g);
}

TEST(Program, AStateWhoseNextValueIsAnotherThatIsUpdatedInPlace) {
  ir::Graph g;
  const Expr a = ir::state(g, "a", kSquare, true);
  const Expr b = ir::state(g, "b", kSquare, true);
  g.update(b.id, a.id);
  g.update(a.id, (a * 2 + b).id);
  expect_runs(g);
}

TEST(Program, SourcesAsOutputsAndNextValues) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", kSquare);
  const Expr k = ir::constant(g, Tensor(DType::f32, {6, 6}));
  const Expr a = ir::state(g, "a", kSquare, true);
  const Expr b = ir::state(g, "b", kSquare, true);
  g.output("x", x.id);
  g.output("k", k.id);
  g.output("a", a.id);
  g.update(a.id, x.id);
  g.update(b.id, k.id);
  expect_runs(g);
}

// Random graphs: few values of one size, so that memory is handed on often.
ir::Graph random_graph(kernels::Draw& draw) {
  ir::Graph g("random");
  std::vector<Expr> states;
  states.reserve(4);
  for (int i = 0; i < 4; ++i) states.push_back(ir::state(g, fmt::format("s{}", i), kSquare, true));
  std::vector<Expr> values = states;
  values.push_back(ir::input(g, "x", kSquare));
  values.push_back(ir::constant(g, Tensor::from<float>({6, 6}, std::vector<float>(36, 0.5f))));
  const auto any = [&] {
    // The latest half the time, so that chains grow.
    return draw.one_in(2) ? values.back() : draw.pick(values);
  };
  for (int64_t n = draw.between(2, 14); n > 0; --n) {
    const Expr a = any(), b = any();
    switch (draw.below(9)) {
      case 0:
        values.push_back(a + b);
        break;
      case 1:
        values.push_back(a * 0.5);
        break;
      case 2:
        values.push_back(ir::tanh(a) - b);
        break;
      case 3:
        values.push_back(ir::tanh(ir::matmul(a, b)));
        break;
      case 4:
        values.push_back(ir::reshape(ir::relu(ir::reshape(a, {36})), {6, 6}));
        break;
      case 5:
        values.push_back(a - ir::reduce_sum(b, {1}, true) * 0.1);
        break;
      case 6:
        values.push_back(ir::transpose(a, {1, 0}));
        break;
      case 7:
        values.push_back(ir::maximum(a, ir::moments(b, {0}).mean));
        break;
      case 8:
        values.push_back(ir::reshape(ir::reshape(a, {4, 9}), {6, 6}));
        break;
    }
  }
  for (const Expr& s : states)
    if (!draw.one_in(4)) g.update(s.id, any().id);
  g.output("y0", any().id);
  g.output("y1", ir::reshape(any(), {36}).id);
  return g;
}

TEST(Program, RandomGraphsGiveTheInterpretersBits) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    kernels::Draw draw(seed);
    const ir::Graph g = random_graph(draw);
    expect_runs(g, seed);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace hone::exec

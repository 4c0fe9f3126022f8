// What the planner decides: which values share memory, which states are updated in place, and what
// is copied. That the results are right is tested where programs run (exec/program_test.cc).
#include "plan/plan.h"

#include <gtest/gtest.h>

#include "ir/expr.h"
#include "kernels/panels.h"

namespace hone::plan {
namespace {

using ir::Expr;

const TensorType kVector{DType::f32, {32}};

// Two levels: what the reference kernels allow (nothing in place), and what the fast ones do.
Program at_scalar(const ir::Graph& g) { return plan(g, {Isa::scalar, 1}); }
bool fast() { return available_isas().back() >= Isa::avx2; }
Program at_avx2(const ir::Graph& g) { return plan(g, {Isa::avx2, 1}); }

bool same_place(Location a, Location b) { return a.region == b.region && a.offset == b.offset; }

TEST(Plan, AReshapeIsAView) {
  ir::Graph g;
  const Expr x = ir::relu(ir::input(g, "x", {DType::f32, {4, 8}}));
  g.output("y", ir::reshape(x, {32}).id);
  g.output("z", ir::exp(ir::reshape(ir::input(g, "z", kVector), {8, 4})).id);
  const Program p = at_scalar(g);
  ASSERT_EQ(p.steps.size(), 2u);
  EXPECT_TRUE(same_place(p.outputs[0].at, p.steps[0].results[0]));
  EXPECT_EQ(p.outputs[0].type, kVector);
  EXPECT_TRUE(same_place(p.steps[1].operands[0], p.inputs[1].at));
}

TEST(Plan, AKernelReadsThePanelsOfAWeight) {
  if (!fast()) GTEST_SKIP() << "no kernel reads panels below avx2";
  ir::Graph g;
  const Expr x = ir::input(g, "x", {DType::f32, {4, 8}});
  const TensorType weight{DType::f32, {8, 40}};
  ir::Graph plain = g;
  const ir::ValueId unpacked = plain.constant(Tensor(weight.dtype, weight.shape));
  const auto format = kernels::wanted_panels(
      plain.node(plain.append(ir::op::matmul, {x.id, unpacked})), weight, Isa::avx2);
  ASSERT_TRUE(format);
  const ir::ValueId panels = g.constant(Tensor(DType::f32, {format->elements()}));
  const Expr w{&g, g.add(ir::op::unpack, {panels}, format->attrs())};
  g.output("y", ir::apply(ir::op::matmul, {x, w}).id);
  const Program p = at_avx2(g);
  ASSERT_EQ(p.steps.size(), 1u) << p.to_text();
  EXPECT_EQ(p.steps[0].operands[1].region, 2) << p.to_text();
  EXPECT_EQ(at_scalar(g).steps.size(), 2u) << "no kernel reads panels there: they are unpacked";
}

TEST(Plan, ADyingOperandGivesItsMemoryToAKernelThatAllowsIt) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", kVector);
  g.output("y", ir::exp(ir::relu(x)).id);
  const Program apart = at_scalar(g);
  EXPECT_FALSE(same_place(apart.steps[1].operands[0], apart.steps[1].results[0]));
  if (!fast()) GTEST_SKIP() << "no kernel works in place below avx2";
  const Program p = at_avx2(g);
  EXPECT_TRUE(same_place(p.steps[0].operands[0], p.inputs[0].at));
  EXPECT_TRUE(same_place(p.steps[1].operands[0], p.steps[1].results[0]));
}

TEST(Plan, AnOperandThatIsReadLaterOrAnOutputKeepsItsMemory) {
  if (!fast()) GTEST_SKIP() << "no kernel works in place below avx2";
  ir::Graph g;
  const Expr x = ir::relu(ir::input(g, "x", kVector));
  const Expr y = ir::exp(x);
  g.output("sum", (x + y).id);
  const Program p = at_avx2(g);
  EXPECT_FALSE(same_place(p.steps[1].operands[0], p.steps[1].results[0]));

  ir::Graph h;
  const Expr a = ir::relu(ir::input(h, "x", kVector));
  h.output("a", a.id);
  h.output("b", ir::exp(a).id);
  const Program q = at_avx2(h);
  EXPECT_FALSE(same_place(q.outputs[0].at, q.outputs[1].at));
}

// A contraction reads its operands more than once: nothing is written over them.
TEST(Plan, AContractionDoesNotWriteOverItsOperands) {
  const TensorType square{DType::f32, {16, 16}};
  ir::Graph g;
  const Expr a = ir::relu(ir::input(g, "a", square));
  g.output("y", ir::matmul(a, a).id);
  for (Isa isa : available_isas()) {
    const Program p = plan(g, {isa, 1});
    EXPECT_FALSE(same_place(p.steps[1].operands[0], p.steps[1].results[0])) << name_of(isa);
  }
}

// A broadcast operand is smaller than the result; its memory cannot hold it.
TEST(Plan, ABroadcastOperandKeepsItsMemory) {
  ir::Graph g;
  const Expr row = ir::relu(ir::input(g, "row", kVector));
  g.output("y", (row + ir::input(g, "x", {DType::f32, {4, 32}})).id);
  for (Isa isa : available_isas()) {
    const Program p = plan(g, {isa, 1});
    EXPECT_FALSE(same_place(p.steps[1].operands[0], p.steps[1].results[0])) << name_of(isa);
  }
}

// A convolution of few channels reads NCHW as it is; one of many waits for the transposition.
TEST(Plan, AnImageOfFewChannelsIsNotTransposed) {
  for (int64_t channels : {3, 64}) {
    ir::Graph g;
    const Expr x = ir::input(g, "x", {DType::f32, {1, channels, 9, 9}});
    const Expr w = ir::input(g, "w", {DType::f32, {5, channels, 3, 3}});
    const ir::Attrs attrs{{"stride", ir::Ints{1, 1}},
                          {"pad", ir::Ints{0, 0, 0, 0}},
                          {"dilation", ir::Ints{1, 1}},
                          {"groups", int64_t{1}},
                          {"layout", std::string("nhwc")}};
    g.output("y", ir::apply(ir::op::conv2d, {ir::transpose(x, {0, 2, 3, 1}), w}, attrs).id);
    EXPECT_EQ(at_scalar(g).steps.size(), 2u);
    if (!fast()) continue;
    const Program p = at_avx2(g);
    EXPECT_EQ(p.steps.size(), channels == 3 ? 1u : 2u) << p.to_text();
  }
}

TEST(Plan, AnUpdateIsWrittenOverItsState) {
  ir::Graph g;
  const Expr w = ir::state(g, "w", kVector, true);
  g.update(w.id, (w * 2).id);
  const Program apart = at_scalar(g);
  EXPECT_EQ(apart.copies.size(), 1u);
  if (!fast()) GTEST_SKIP() << "no kernel works in place below avx2";
  const Program p = at_avx2(g);
  EXPECT_TRUE(p.copies.empty());
  EXPECT_TRUE(same_place(p.steps[0].results[0], p.states[0].at));
}

// Even a kernel that does not work in place may write a state that nobody reads any more.
TEST(Plan, AStateThatIsNoLongerReadIsWrittenByAnyKernel) {
  ir::Graph g;
  const Expr w = ir::state(g, "w", kVector, true);
  const Expr twice = w * 2;
  g.update(w.id, ir::exp(twice).id);
  const Program p = at_scalar(g);
  EXPECT_TRUE(p.copies.empty());
  EXPECT_TRUE(same_place(p.steps[1].results[0], p.states[0].at));
}

TEST(Plan, AnUpdateThroughAReshapeIsWrittenOverItsState) {
  ir::Graph g;
  const Expr w = ir::state(g, "w", kVector, true);
  const Expr rows = ir::reshape(w, {4, 8}) * 2;
  g.update(w.id, ir::reshape(ir::exp(rows), {32}).id);
  const Program p = at_scalar(g);
  EXPECT_TRUE(p.copies.empty());
  EXPECT_TRUE(same_place(p.steps[1].results[0], p.states[0].at));
}

TEST(Plan, AStateThatIsReadAfterItsNextValueIsCopied) {
  for (Isa isa : available_isas()) {
    ir::Graph g;
    const Expr w = ir::state(g, "w", kVector, true);
    const Expr next = w * 2;
    g.update(w.id, next.id);
    g.output("y", (ir::exp(next) + w).id);
    const Program p = plan(g, {isa, 1});
    ASSERT_EQ(p.copies.size(), 1u) << name_of(isa);
    EXPECT_TRUE(same_place(p.copies[0].to, p.states[0].at));
    EXPECT_FALSE(same_place(p.steps[0].results[0], p.states[0].at));
  }
}

// An output lives as long as the program: it is the old value, in memory that no copy writes.
TEST(Plan, AnUpdatedStateThatIsAnOutputIsSavedFirst) {
  ir::Graph g;
  const Expr w = ir::state(g, "w", kVector, true);
  g.output("before", w.id);
  g.update(w.id, (w * 2).id);
  const Program p = at_scalar(g);
  ASSERT_EQ(p.copies.size(), 2u);
  EXPECT_TRUE(same_place(p.copies[0].from, p.states[0].at));
  EXPECT_TRUE(same_place(p.copies[0].to, p.outputs[0].at));
  EXPECT_TRUE(same_place(p.copies[1].to, p.states[0].at));
  EXPECT_EQ(p.outputs[0].at.region, p.outputs_from());
}

TEST(Plan, AStateWhoseNextValueIsItselfIsLeftAlone) {
  ir::Graph g;
  const Expr w = ir::state(g, "w", kVector, true);
  g.update(w.id, w.id);
  EXPECT_TRUE(at_scalar(g).copies.empty());
}

// One value for two states: one is written in place, the other copied.
TEST(Plan, TwoStatesWithOneNextValue) {
  ir::Graph g;
  const Expr a = ir::state(g, "a", kVector, true);
  const Expr b = ir::state(g, "b", kVector, true);
  const Expr next = ir::exp(ir::input(g, "x", kVector));
  g.update(a.id, next.id);
  g.update(b.id, next.id);
  const Program p = at_scalar(g);
  ASSERT_EQ(p.copies.size(), 1u);
  EXPECT_TRUE(same_place(p.steps[0].results[0], p.states[0].at));
  EXPECT_TRUE(same_place(p.copies[0].from, p.states[0].at));
  EXPECT_TRUE(same_place(p.copies[0].to, p.states[1].at));
}

TEST(Plan, OutputsOutliveWhatComesAfterThem) {
  ir::Graph g;
  const Expr x = ir::input(g, "x", kVector);
  const Expr first = ir::relu(x);
  g.output("first", first.id);
  g.output("last", ir::exp(ir::exp(ir::exp(x))).id);
  for (Isa isa : available_isas()) {
    const Program p = plan(g, {isa, 1});
    for (size_t s = 1; s < p.steps.size(); ++s)
      EXPECT_FALSE(same_place(p.steps[s].results[0], p.outputs[0].at)) << name_of(isa);
  }
}

TEST(Plan, AChainTakesTheMemoryOfTwoValues) {
  ir::Graph g;
  Expr x = ir::input(g, "x", {DType::f32, {1024}});
  for (int i = 0; i < 10; ++i) x = ir::relu(x);
  g.output("y", x.id);
  const Program p = at_scalar(g);
  EXPECT_EQ(p.naive_bytes, 9 * 4096);  // the last is the output, in memory of its own
  EXPECT_EQ(p.arena_bytes, 2 * 4096);
}

// One place for all steps, so that a worker finds it in its core's cache.
TEST(Plan, WorkersKeepMemoryOfTheirOwn) {
  if (!fast()) GTEST_SKIP() << "no kernel needs scratch memory below avx2";
  ir::Graph g;
  const Expr w = ir::input(g, "w", {DType::f32, {256, 256}});
  Expr x = ir::input(g, "x", {DType::f32, {256, 256}});
  for (int i = 0; i < 3; ++i) x = ir::tanh(ir::matmul(x, w, false, true));
  g.output("y", (x * 2).id);
  const Program p = plan(g, {Isa::avx2, 3});
  const int64_t begin = p.steps[0].scratch, step = p.steps[0].scratch_step;
  const int64_t end = begin + 3 * step;
  EXPECT_GT(step, 0);
  EXPECT_LE(end, p.arena_bytes);
  for (const Step& s : p.steps) {
    EXPECT_EQ(s.scratch, begin);
    EXPECT_EQ(s.scratch_step, step);
    EXPECT_LE(s.kernel->scratch_bytes(), step);
    EXPECT_TRUE(s.workspace + s.kernel->workspace_bytes() <= begin || s.workspace >= end);
    const Location y = s.results[0];
    EXPECT_TRUE(y.region != 0 || y.offset + s.result_types[0].bytes() <= begin || y.offset >= end);
  }
}

TEST(Plan, RefusesASymbolicBatch) {
  ir::Graph g;
  g.output("y", ir::relu(ir::input(g, "x", {DType::f32, {kBatch, 3}})).id);
  try {
    at_scalar(g);
    FAIL() << "expected an error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "input 'x': cannot plan shape [N,3]");
  }
}

TEST(Plan, ProgramsAsText) {
  ir::Graph g("tiny");
  const Expr x = ir::input(g, "x", {DType::f32, {2, 3}});
  const Expr w = ir::state(g, "w", {DType::f32, {3, 4}}, true);
  const Expr b = ir::constant(g, Tensor(DType::f32, {4}));
  const Expr y = ir::matmul(x, w, false, false, "dense1") + b;
  g.output("y", y.id);
  g.update(w.id, (w * 2).id);
  const Program p = at_scalar(g);
  EXPECT_TRUE(p.has_output("y"));
  EXPECT_FALSE(p.has_output("x"));
  EXPECT_EQ(p.to_text(),
            "program tiny\n"
            "  reference            dense1                   f32[2,4] @0 <- input x, state w\n"
            "  reference            add                      f32[2,4] output y <- @0, constant 0\n"
            "  reference            mul                      f32[3,4] @0 <- state w, constant 1\n"
            "  1 copies; arena 64 bytes (128 without reuse)\n");
}

}  // namespace
}  // namespace hone::plan

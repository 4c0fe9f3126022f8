// Kernel choice: the best row that claims a node, the reference where none does, and why.
#include "plan/choose.h"

#include <gtest/gtest.h>

#include <set>

#include "ir/expr.h"
#include "kernels/problems.h"

namespace hone::plan {
namespace {

const kernels::KernelRow* row_named(std::string_view name, const ir::OpSpec* op) {
  for (const kernels::KernelRow& row : kernels::kernel_rows())
    if (row.name == name && row.op == op) return &row;
  return nullptr;
}

// At every level, for random nodes of every op: the chosen row claims the node, and no row of
// higher priority does.
TEST(Choose, TakesTheBestRowThatClaimsTheNode) {
  std::set<const ir::OpSpec*> ops;
  for (const kernels::KernelRow& row : kernels::kernel_rows()) ops.insert(row.op);
  for (const ir::OpSpec* op : ops) {
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const kernels::Case c = kernels::random_case(*op, seed, {.small = true});
      for (Isa isa : available_isas()) {
        const kernels::Problem problem = c.problem(isa, 1);
        const Choice choice = choose_kernel(problem);
        ASSERT_NE(choice.kernel, nullptr);
        const kernels::KernelRow* chosen = row_named(choice.name, op);
        EXPECT_EQ(chosen == nullptr, choice.name == "reference") << c.describe();
        for (const kernels::KernelRow& row : kernels::kernel_rows()) {
          if (row.op != op) continue;
          const bool claims =
              row.lowest <= isa && (row.refuse == nullptr || row.refuse(problem).empty());
          if (&row == chosen) EXPECT_TRUE(claims) << c.describe();
          else if (claims) {
            ASSERT_NE(chosen, nullptr) << c.describe();
            EXPECT_LE(row.priority, chosen->priority) << c.describe();
          }
        }
      }
    }
  }
}

TEST(Choose, ExplainsEveryRow) {
  ir::Graph g;
  const ir::Expr x = ir::input(g, "x", {DType::f32, {8}});
  const ir::Expr y = ir::relu(x);
  kernels::Problem problem{&g.producer(y.id), {x.type()}, {y.type()}, Isa::scalar, 1};
  EXPECT_EQ(explain(problem), "eltwise.tile: needs avx2\nreference: chosen\n");
  EXPECT_EQ(choose_kernel(problem).name, "reference");
  EXPECT_EQ(choose_kernel(problem).in_place, nullptr);
  problem.isa = Isa::avx2;
  EXPECT_EQ(explain(problem), "eltwise.tile: chosen\n");
  EXPECT_EQ(choose_kernel(problem).name, "eltwise.tile");
}

}  // namespace
}  // namespace hone::plan

// A graph as Graphviz's text.
#include "ir/dot.h"

#include <gtest/gtest.h>

#include "ir/expr.h"

namespace hone::ir {
namespace {

TEST(Dot, BoxesAndEdges) {
  Graph g("a \"net\"");
  const Expr x = input(g, "x", {DType::f32, {kBatch, 2}});
  const Expr w = state(g, "w", {DType::f32, {2, 3}}, true);
  g.output("y", relu(matmul(x, w, false, false, "dense1")).id);
  EXPECT_EQ(to_dot(g),
            "digraph \"a \\\"net\\\"\" {\n"
            "  node [shape=box];\n"
            "  n0 [label=\"x\\ninput\", shape=ellipse];\n"
            "  n2 [label=\"dense1\\nmatmul\"];\n"
            "  n0 -> n2 [label=\"f32[N,2]\"];\n"
            "  n3 [label=\"relu\"];\n"
            "  n2 -> n3 [label=\"f32[N,3]\"];\n"
            "  out0 [label=\"y\", shape=ellipse];\n"
            "  n3 -> out0 [label=\"f32[N,3]\"];\n"
            "}");
}

TEST(Dot, DrawsAConstantThatIsAnOutput) {
  Graph g("g");
  const ValueId c = g.constant(Tensor::scalar(1), "one");
  g.constant(Tensor::scalar(2), "unused");
  g.output("y", c);
  EXPECT_EQ(to_dot(g),
            "digraph \"g\" {\n"
            "  node [shape=box];\n"
            "  n0 [label=\"one\\nconstant\"];\n"
            "  out0 [label=\"y\", shape=ellipse];\n"
            "  n0 -> out0 [label=\"f32[]\"];\n"
            "}");
}

}  // namespace
}  // namespace hone::ir

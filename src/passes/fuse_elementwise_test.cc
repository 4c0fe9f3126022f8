// Which elementwise nodes become one loop.
#include "passes/fuse_elementwise.h"

#include "passes/hoist_scalars.h"
#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

void expect_fused(std::string_view before, std::string_view after) {
  const std::string from = "graph g {\n" + std::string(before) + "\n}";
  expect_pass(fuse_elementwise, from, "graph g {\n" + std::string(after) + "\n}");
  const ir::Graph graph = ir::parse(from);
  const ir::Graph fused = fuse_elementwise(graph, {});
  ir::verify(fused, ir::Level::planned);
  expect_same_bits(graph, fused);
}

void expect_unfused(std::string_view text) { expect_fused(text, text); }

TEST(FuseElementwise, AChainBecomesALoop) {
  expect_fused(R"(
    %x = input "x" : f32[4,3]
    %b = input "b" : f32[3]
    %two = constant 2 : f32[]
    %s = add(%x, %b)
    %e = exp(%s) "layer"
    %y = mul(%e, %two)
    output "y" = %y)",
               R"(
    %x = input "x" : f32[4,3]
    %b = input "b" : f32[3]
    %y = fused(%x, %b) {body=graph add_exp_mul {
      %x = input "x" : f32[4,3]
      %b = input "b" : f32[3]
      %2 = add(%x, %b)
      %3 = exp(%2) "layer"
      %4 = constant 2 : f32[]
      %5 = mul(%3, %4)
      output "y0" = %5
    }} "layer"
    output "y" = %y)");
}

// Adam reads its gradient twice and gives three results; the loop is called after the parameter.
TEST(FuseElementwise, AnOptimiserStepIsOneLoop) {
  expect_fused(R"(
    %g = input "g" : f32[6]
    %p = state "p" trainable : f32[6]
    %m = state "p/m" : f32[6]
    %v = state "p/v" : f32[6]
    %c = state "c" : f32[]
    %b1 = constant 0.9 : f32[]
    %k1 = constant 0.1 : f32[]
    %mo = mul(%m, %b1)
    %mg = mul(%g, %k1)
    %mn = add(%mo, %mg)
    %vo = mul(%v, %b1)
    %vg = mul(%g, %g)
    %vn = add(%vo, %vg)
    %mc = div(%mn, %c)
    %vs = sqrt(%vn)
    %st = div(%mc, %vs)
    %pn = sub(%p, %st)
    update %m = %mn
    update %v = %vn
    update %p = %pn)",
               R"(
    %g = input "g" : f32[6]
    %p = state "p" trainable : f32[6]
    %m = state "p/m" : f32[6]
    %v = state "p/v" : f32[6]
    %c = state "c" : f32[]
    %mn, %vn, %pn = fused(%m, %g, %v, %c, %p) {body=graph mul_mul_add_mul_mul_add_and_4_more {
      %m = input "p/m" : f32[6]
      %g = input "g" : f32[6]
      %v = input "p/v" : f32[6]
      %c = input "c" : f32[]
      %p = input "p" : f32[6]
      %b1 = constant 0.9 : f32[]
      %mo = mul(%m, %b1)
      %k1 = constant 0.1 : f32[]
      %mg = mul(%g, %k1)
      %mn = add(%mo, %mg)
      %vo = mul(%v, %b1)
      %vg = mul(%g, %g)
      %vn = add(%vo, %vg)
      %mc = div(%mn, %c)
      %vs = sqrt(%vn)
      %st = div(%mc, %vs)
      %pn = sub(%p, %st)
      output "y0" = %mn
      output "y1" = %vn
      output "y2" = %pn
    }} "p"
    update %m = %mn
    update %v = %vn
    update %p = %pn)");
}

// exp and add agree in shape and would make one loop, which the sum between would have to leave and
// enter again.
TEST(FuseElementwise, NeverMakesACycle) {
  expect_unfused(R"(
    %x = input "x" : f32[4,3]
    %e = exp(%x)
    %s = reduce_sum(%e) {axes=[1], keep=1}
    %y = div(%e, %s)
    output "y" = %y)");
  // The same through another loop: a and d must not merge around b and c.
  expect_unfused(R"(
    %x = input "x" : f32[3,3]
    %a = exp(%x)
    %t = transpose(%a) {perm=[1, 0]}
    %c = matmul(%t, %t)
    %d = add(%a, %c)
    output "y" = %d)");
}

TEST(FuseElementwise, LoopShapesAndIntegersStayApart) {
  expect_unfused(R"(
    %x = input "x" : f32[4,3]
    %b = input "b" : f32[3]
    %e = exp(%b)
    %y = mul(%x, %e)
    output "y" = %y)");
  expect_unfused(R"(
    %step = state "step" : i64[]
    %one = constant 1 : i64[]
    %a = add(%step, %one)
    %b = add(%a, %one)
    update %step = %b)");
}

TEST(FuseElementwise, WhatIsReadOutsideIsAResult) {
  expect_fused(R"(
    %x = input "x" : f32[4,3]
    %a = exp(%x)
    %y = relu(%a)
    %n = reduce_sum(%a) {axes=[0]}
    output "y" = %y
    output "n" = %n)",
               R"(
    %x = input "x" : f32[4,3]
    %a, %y = fused(%x) {body=graph exp_relu {
      %x = input "x" : f32[4,3]
      %1 = exp(%x)
      %2 = relu(%1)
      output "y0" = %1
      output "y1" = %2
    }}
    %n = reduce_sum(%a) {axes=[0]}
    output "y" = %y
    output "n" = %n)");
}

// The step of w comes as soon as its gradient is there and w has been read, before the next layer's
// gradient; that its moment m is a result as well as read inside the loop makes no difference.
TEST(FuseElementwise, UpdatesComeAsSoonAsTheyCan) {
  expect_fused(R"(
    %g = input "g" : f32[3,3]
    %w = state "w" : f32[3,3]
    %m = state "w/m" : f32[3,3]
    %v = state "v" : f32[3,3]
    %dw = transpose(%g) {perm=[1, 0]}
    %dx = matmul(%g, %w)
    %dv = transpose(%dx) {perm=[1, 0]}
    %a = add(%m, %dw)
    %wn = sub(%w, %a)
    %b = mul(%dv, %dv)
    %vn = sub(%v, %b)
    update %m = %a
    update %w = %wn
    update %v = %vn)",
               R"(
    %g = input "g" : f32[3,3]
    %w = state "w" : f32[3,3]
    %m = state "w/m" : f32[3,3]
    %v = state "v" : f32[3,3]
    %dw = transpose(%g) {perm=[1, 0]}
    %dx = matmul(%g, %w)
    %a, %wn = fused(%m, %dw, %w) {body=graph add_sub {
      %m = input "w/m" : f32[3,3]
      %x1 = input "x1" : f32[3,3]
      %w = input "w" : f32[3,3]
      %2 = add(%m, %x1)
      %3 = sub(%w, %2)
      output "y0" = %2
      output "y1" = %3
    }} "w"
    %dv = transpose(%dx) {perm=[1, 0]}
    %vn = fused(%dv, %v) {body=graph mul_sub {
      %x0 = input "x0" : f32[3,3]
      %v = input "v" : f32[3,3]
      %2 = mul(%x0, %x0)
      %3 = sub(%v, %2)
      output "y0" = %3
    }} "v"
    update %m = %a
    update %w = %wn
    update %v = %vn)");
}

TEST(HoistScalars, ScalarsOfSourcesComeFirst) {
  expect_pass(hoist_scalars, R"(graph g {
    %x = input "x" : f32[4]
    %e = exp(%x)
    %s = reduce_sum(%e) {axes=[0]}
    %step = state "step" : i64[]
    %t = cast(%step) {dtype="f32"}
    %r = sqrt(%t)
    %y = mul(%s, %r)
    output "y" = %y
  })",
              R"(graph g {
    %x = input "x" : f32[4]
    %step = state "step" : i64[]
    %t = cast(%step) {dtype="f32"}
    %r = sqrt(%t)
    %e = exp(%x)
    %s = reduce_sum(%e) {axes=[0]}
    %y = mul(%s, %r)
    output "y" = %y
  })");
}

// What an update needs of a large early value is computed when it is needed, not kept beside it.
TEST(FuseElementwise, LargeLateValuesAreNotComputedEarly) {
  expect_fused(R"(
    %x = input "x" : f32[256,256]
    %s = state "s" : bool[256,256]
    %zero = constant 0 : f32[]
    %e = exp(%x)
    %y = relu(%e)
    %on = greater(%y, %zero)
    output "y" = %y
    update %s = %on)",
               R"(
    %x = input "x" : f32[256,256]
    %s = state "s" : bool[256,256]
    %zero = constant 0 : f32[]
    %y = fused(%x) {body=graph exp_relu {
      %x = input "x" : f32[256,256]
      %1 = exp(%x)
      %2 = relu(%1)
      output "y0" = %2
    }}
    %on = greater(%y, %zero)
    output "y" = %y
    update %s = %on)");
}

TEST(FuseElementwise, EqualNodesOfALoopAreOne) {
  expect_fused(R"(
    %x = input "x" : f32[4]
    %a = exp(%x)
    %b = exp(%x)
    %y = mul(%a, %b)
    output "y" = %y)",
               R"(
    %x = input "x" : f32[4]
    %y = fused(%x) {body=graph exp_exp_mul {
      %x = input "x" : f32[4]
      %1 = exp(%x)
      %2 = mul(%1, %1)
      output "y0" = %2
    }}
    output "y" = %y)");
}

}  // namespace
}  // namespace hone::passes

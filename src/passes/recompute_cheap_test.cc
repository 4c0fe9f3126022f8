// Which values of the early part are computed again in the late part, and what is kept for that.
#include "passes/recompute_cheap.h"

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

void expect_recomputed(std::string_view before, std::string_view after) {
  const std::string from = "graph g {\n" + std::string(before) + "\n}";
  expect_pass(recompute_cheap, from, "graph g {\n" + std::string(after) + "\n}");
  const ir::Graph graph = ir::parse(from);
  const ir::Graph result = recompute_cheap(graph, {});
  ir::verify(result, ir::Level::planned);
  expect_same_bits(graph, result);
}

void expect_unchanged(std::string_view text) { expect_recomputed(text, text); }

// Each late reader computes what it reads; the product, which the moments read, is kept.
TEST(RecomputeCheap, WhatANormMakesIsNotKept) {
  expect_recomputed(R"(
    %a = input "a" : f32[512,2]
    %w = state "w" trainable : f32[2,256]
    %x = matmul(%a, %w)
    %mean, %m2 = moments(%x) {axes=[0]}
    %c = sub(%x, %mean)
    %y = relu(%c)
    %loss = reduce_sum(%y) {axes=[0, 1]}
    %d1 = mul(%y, %loss)
    %d2 = mul(%c, %d1)
    %dw = matmul(%a, %d2) {trans_a=1}
    output "loss" = %loss
    update %w = %dw)",
                    R"(
    %a = input "a" : f32[512,2]
    %w = state "w" trainable : f32[2,256]
    %x = matmul(%a, %w)
    %mean, %m2 = moments(%x) {axes=[0]}
    %c = sub(%x, %mean)
    %y = relu(%c)
    %loss = reduce_sum(%y) {axes=[0, 1]}
    %c1 = sub(%x, %mean)
    %y1 = relu(%c1)
    %d1 = mul(%y1, %loss)
    %c2 = sub(%x, %mean)
    %d2 = mul(%c2, %d1)
    %dw = matmul(%a, %d2) {trans_a=1}
    output "loss" = %loss
    update %w = %dw)");
}

// Of a second residual sum there would be three values to read: it is kept.
TEST(RecomputeCheap, ResidualSumsAreKeptNowAndThen) {
  expect_recomputed(R"(
    %x1 = input "x1" : f32[256,256]
    %x2 = input "x2" : f32[256,256]
    %x3 = input "x3" : f32[256,256]
    %w = state "w" trainable : f32[]
    %s1 = add(%x1, %x2)
    %s2 = add(%s1, %x3)
    %loss = reduce_sum(%s2) {axes=[0, 1]}
    %d2 = mul(%s2, %loss)
    %d1 = mul(%s1, %d2)
    %dw = reduce_sum(%d1) {axes=[0, 1]}
    output "loss" = %loss
    update %w = %dw)",
                    R"(
    %x1 = input "x1" : f32[256,256]
    %x2 = input "x2" : f32[256,256]
    %x3 = input "x3" : f32[256,256]
    %w = state "w" trainable : f32[]
    %s1 = add(%x1, %x2)
    %s2 = add(%s1, %x3)
    %loss = reduce_sum(%s2) {axes=[0, 1]}
    %d2 = mul(%s2, %loss)
    %t1 = add(%x1, %x2)
    %d1 = mul(%t1, %d2)
    %dw = reduce_sum(%d1) {axes=[0, 1]}
    output "loss" = %loss
    update %w = %dw)");
}

TEST(RecomputeCheap, WeightsAreTransposedAgain) {
  expect_recomputed(R"(
    %x = input "x" : f32[1,256]
    %w = state "w" trainable : f32[256,256]
    %t = transpose(%w) {perm=[1, 0]}
    %y = matmul(%x, %t)
    %dw = mul(%t, %y)
    output "y" = %y
    update %w = %dw)",
                    R"(
    %x = input "x" : f32[1,256]
    %w = state "w" trainable : f32[256,256]
    %t = transpose(%w) {perm=[1, 0]}
    %y = matmul(%x, %t)
    %t2 = transpose(%w) {perm=[1, 0]}
    %dw = mul(%t2, %y)
    output "y" = %y
    update %w = %dw)");
}

// The sum would have to be written to be there, and takes as much room as what is made of it.
TEST(RecomputeCheap, AnEpiloguesResultIsKept) {
  expect_unchanged(R"(
    %a = input "a" : f32[512,2]
    %w = state "w" trainable : f32[2,256]
    %b = state "b" trainable : f32[256]
    %x = matmul(%a, %w)
    %s = add(%x, %b)
    %y = relu(%s)
    %loss = reduce_sum(%y) {axes=[0, 1]}
    %d = mul(%y, %loss)
    %dw = matmul(%a, %d) {trans_a=1}
    output "loss" = %loss
    update %w = %dw)");
}

TEST(RecomputeCheap, SmallValuesAndThoseOfOutputsAreKept) {
  expect_unchanged(R"(
    %a = input "a" : f32[4,4]
    %s = state "s" : f32[4,4]
    %b = relu(%a)
    %loss = reduce_sum(%b) {axes=[0, 1]}
    %next = mul(%b, %s)
    output "loss" = %loss
    update %s = %next)");
  expect_unchanged(R"(
    %a = input "a" : f32[256,256]
    %b = relu(%a)
    %c = exp(%b)
    %d = mul(%b, %c)
    output "d" = %d)");
}

}  // namespace
}  // namespace hone::passes

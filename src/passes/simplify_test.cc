// Simplification: each rule as text, and what must not be simplified.
#include "passes/simplify.h"

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

/// Simplifying the statements gives the others; where shapes are static, also the same bits.
void expect_simplified(std::string_view before, std::string_view after) {
  const std::string from = "graph g {\n" + std::string(before) + "\n}";
  expect_pass(simplify, from, "graph g {\n" + std::string(after) + "\n}");
  const ir::Graph graph = ir::parse(from);
  bool is_static = true;
  for (const ir::Value& v : graph.values()) is_static = is_static && v.type.shape.is_static();
  if (is_static) expect_same_bits(graph, simplify(graph, {}));
}

constexpr std::string_view kX = "%x = input \"x\" : f32[2,3]\n";

void expect_same(std::string_view before) {
  const std::string text = std::string(kX) + std::string(before);
  expect_simplified(text, text);
}

void expect_x(std::string_view before) {
  expect_simplified(std::string(kX) + std::string(before), std::string(kX) + "output \"y\" = %x");
}

TEST(Simplify, NeutralElementsGo) {
  expect_x("%c = constant 1 : f32[]\n %y = mul(%x, %c)\n output \"y\" = %y");
  expect_x("%c = constant 1 : f32[]\n %y = mul(%c, %x)\n output \"y\" = %y");
  expect_x("%c = constant [1, 1, 1] : f32[3]\n %y = div(%x, %c)\n output \"y\" = %y");
  expect_x("%c = constant 0 : f32[]\n %y = sub(%x, %c)\n output \"y\" = %y");
  expect_x("%c = constant -0 : f32[]\n %y = add(%x, %c)\n output \"y\" = %y");
}

TEST(Simplify, ProductsReadTransposedMatrices) {
  const std::string w = std::string(kX) + "%w = input \"w\" : f32[4,3]\n";
  expect_simplified(
      w + "%t = transpose(%w) {perm=[1, 0]}\n %y = matmul(%x, %t)\n output \"y\" = %y",
      w + "%y = matmul(%x, %w) {trans_b=1}\n output \"y\" = %y");
  expect_simplified(
      w + "%t = transpose(%x) {perm=[1, 0]}\n %y = matmul(%w, %t)\n output \"y\" = %y",
      w + "%y = matmul(%w, %x) {trans_b=1}\n output \"y\" = %y");
  expect_simplified(w + "%t = transpose(%x) {perm=[1, 0]}\n"
                        "%y = matmul(%t, %w) {trans_a=1, trans_b=1}\n output \"y\" = %y",
                    w + "%y = matmul(%x, %w) {trans_b=1}\n output \"y\" = %y");
  const std::string k = "%q = input \"q\" : f32[2,5,3]\n %k = input \"k\" : f32[2,4,3]\n";
  expect_simplified(
      k + "%t = transpose(%k) {perm=[0, 2, 1]}\n %y = matmul(%q, %t)\n output \"y\" = %y",
      k + "%y = matmul(%q, %k) {trans_b=1}\n output \"y\" = %y");
}

TEST(Simplify, SmallPowersAreProducts) {
  expect_x("%c = constant 1 : f32[]\n %y = pow(%x, %c)\n output \"y\" = %y");
  expect_simplified(
      std::string(kX) + "%c = constant 2 : f32[]\n %y = pow(%x, %c)\n output \"y\" = %y",
      std::string(kX) + "%y = mul(%x, %x)\n output \"y\" = %y");
  expect_same("%c = constant 3 : f32[]\n %y = pow(%x, %c)\n output \"y\" = %y");
}

TEST(Simplify, WhatChangesBitsStays) {
  expect_same("%c = constant 0 : f32[]\n %y = add(%x, %c)\n output \"y\" = %y");
  expect_same("%c = constant -0 : f32[]\n %y = sub(%x, %c)\n output \"y\" = %y");
  expect_same("%c = constant 0 : f32[]\n %y = mul(%x, %c)\n output \"y\" = %y");
  expect_same("%y = sub(%x, %x)\n output \"y\" = %y");
  expect_same("%y = div(%x, %x)\n output \"y\" = %y");
  // Neutral, but it makes the result larger.
  expect_same("%c = constant [1, 1] : f32[2,1,1]\n %y = mul(%x, %c)\n output \"y\" = %y");
}

TEST(Simplify, PairsCancel) {
  expect_x("%a = neg(%x)\n %y = neg(%a)\n output \"y\" = %y");
  expect_x("%y = cast(%x) {dtype=\"f32\"}\n output \"y\" = %y");
  expect_x(
      "%a = transpose(%x) {perm=[1, 0]}\n %y = transpose(%a) {perm=[1, 0]}\n"
      "output \"y\" = %y");
  expect_x("%a = reshape(%x) {shape=[6]}\n %y = reshape(%a) {shape=[2, 3]}\n output \"y\" = %y");
  expect_x("%y = slice(%x) {axis=0, begin=0, end=2}\n output \"y\" = %y");
  expect_x("%y = pad(%x) {axis=0, before=0, after=0}\n output \"y\" = %y");
  expect_x("%y = concat(%x) {axis=0}\n output \"y\" = %y");
  expect_x("%y = broadcast(%x) {shape=[2, 3]}\n output \"y\" = %y");
  expect_x(
      "%t = constant 1 : bool[]\n %e = exp(%x)\n %y = select(%t, %x, %e)\n"
      "output \"y\" = %y");
}

TEST(Simplify, MovementsMerge) {
  expect_simplified(
      "%x = input \"x\" : f32[2,1,3,4]\n %a = transpose(%x) {perm=[0, 2, 3, 1]}\n"
      "output \"y\" = %a",
      "%x = input \"x\" : f32[2,1,3,4]\n %a = reshape(%x) {shape=[2, 3, 4, 1]}\n"
      "output \"y\" = %a");
  expect_simplified(
      "%x = input \"x\" : f32[2,3,4]\n %a = transpose(%x) {perm=[1, 2, 0]}\n"
      "%b = transpose(%a) {perm=[0, 2, 1]}\n output \"y\" = %b",
      "%x = input \"x\" : f32[2,3,4]\n %a = transpose(%x) {perm=[1, 0, 2]}\n"
      "output \"y\" = %a");
  expect_simplified(
      "%x = input \"x\" : f32[N,1,3]\n %a = reshape(%x) {shape=[0, 3]}\n"
      "%b = reshape(%a) {shape=[-1, 3, 1]}\n output \"y\" = %b",
      "%x = input \"x\" : f32[N,1,3]\n %b = reshape(%x) {shape=[-1, 3, 1]}\n"
      "output \"y\" = %b");
  expect_simplified(
      "%x = input \"x\" : f32[2,1]\n %a = reduce_sum(%x) {axes=[1], keep=0}\n"
      "output \"y\" = %a",
      "%x = input \"x\" : f32[2,1]\n %a = reshape(%x) {shape=[2]}\n"
      "output \"y\" = %a");
}

TEST(Simplify, ElementwiseOpsBroadcastThemselves) {
  expect_simplified(
      "%x = input \"x\" : f32[2,3]\n %b = input \"b\" : f32[3]\n"
      "%c = broadcast(%b) {shape=[2, 3]}\n %y = mul(%x, %c)\n output \"y\" = %y",
      "%x = input \"x\" : f32[2,3]\n %b = input \"b\" : f32[3]\n"
      "%y = mul(%x, %b)\n output \"y\" = %y");
  expect_same(
      "%c = input \"b\" : f32[3]\n %d = broadcast(%c) {shape=[2, 3]}\n %y = exp(%d)\n"
      "output \"y\" = %y");
}

TEST(Simplify, EqualNodesMergeAndDeadOnesGo) {
  expect_simplified(
      "%x = input \"x\" : f32[2]\n %a = exp(%x)\n %b = exp(%x) \"again\"\n"
      "%c = constant 2 : f32[]\n %d = constant 2 : f32[]\n"
      "%e = mul(%a, %c)\n %f = mul(%b, %d)\n %y = add(%e, %f)\n %dead = log(%y)\n"
      "output \"y\" = %y",
      "%x = input \"x\" : f32[2]\n %a = exp(%x)\n %c = constant 2 : f32[]\n"
      "%e = mul(%a, %c)\n %y = add(%e, %e)\n output \"y\" = %y");
  // Zeros of different signs are different constants.
  expect_same(
      "%c = constant 0 : f32[]\n %d = constant -0 : f32[]\n %a = max(%x, %c)\n"
      "%b = max(%x, %d)\n output \"a\" = %a\n output \"b\" = %b");
}

TEST(Simplify, ConstantsFold) {
  expect_simplified(
      "%x = input \"x\" : f32[4,3]\n %n = dim(%x) {axis=0}\n"
      "%c = constant 2 : f32[]\n %d = mul(%n, %c)\n %y = div(%x, %d)\n"
      "output \"y\" = %y",
      "%x = input \"x\" : f32[4,3]\n %d = constant 8 : f32[]\n %y = div(%x, %d)\n"
      "output \"y\" = %y");
  expect_simplified("%x = input \"x\" : f32[N]\n %n = dim(%x) {axis=0}\n output \"y\" = %n",
                    "%x = input \"x\" : f32[N]\n %n = dim(%x) {axis=0}\n output \"y\" = %n");
  // Folding must not make a constant of many bytes out of one of few.
  expect_simplified(
      "%c = constant 2 : f32[]\n %d = broadcast(%c) {shape=[999, 9]}\n"
      "output \"y\" = %d",
      "%c = constant 2 : f32[]\n %d = broadcast(%c) {shape=[999, 9]}\n"
      "output \"y\" = %d");
}

TEST(Simplify, InterfaceAndNamesStay) {
  expect_simplified(
      "%x = input \"x\" : f32[2]\n %s = state \"s\" trainable : f32[2]\n"
      "%t = state \"t\" : f32[2]\n %a = neg(%x) \"first\"\n %b = neg(%a)\n"
      "%c = exp(%b) \"second\"\n update %s = %c",
      "%x = input \"x\" : f32[2]\n %s = state \"s\" trainable : f32[2]\n"
      "%t = state \"t\" : f32[2]\n %c = exp(%x) \"second\"\n update %s = %c");
}

TEST(Simplify, ACastToBytesSaturatesByItself) {
  expect_pass(simplify, R"(graph g {
  %x = input "x" : f32[5]
  %z = constant 0 : f32[]
  %h = constant 255 : f32[]
  %l = constant -1 : f32[]
  %a = add(%x, %z)
  %b = max(%a, %l)
  %c = min(%b, %h)
  %d = cast(%c) {dtype="u8"}
  %e = cast(%c) {dtype="i8"}
  output "d" = %d
  output "e" = %e
})",
              R"(graph g {
  %x = input "x" : f32[5]
  %z = constant 0 : f32[]
  %l = constant -1 : f32[]
  %a = add(%x, %z)
  %b = max(%a, %l)
  %1 = cast(%x) {dtype="u8"}
  %2 = cast(%b) {dtype="i8"}
  output "d" = %1
  output "e" = %2
})");
}

}  // namespace
}  // namespace hone::passes

// Products that read pictures: what they take up, and what they leave.
#include "passes/read_bytes.h"

#include <gtest/gtest.h>

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

void expect(std::string_view before, std::string_view after) {
  expect_pass(read_bytes, before, after);
  const ir::Graph graph = ir::parse(before);
  expect_same_bits(graph, read_bytes(graph, {}));
}

TEST(ReadBytes, NormalisedPicturesAreReadForwardAndBackward) {
  expect(R"(graph g {
  %x = input "x" : u8[3,1,2,2]
  %w = state "w" : f32[4,5]
  %dy = input "dy" : f32[3,5]
  %1 = cast(%x) {dtype="f32"} : f32[3,1,2,2]
  %2 = constant [33.3] : f32[1,1,1,1]
  %3 = sub(%1, %2) : f32[3,1,2,2]
  %4 = constant 0.0125 : f32[]
  %5 = mul(%3, %4) : f32[3,1,2,2]
  %6 = reshape(%5) {shape=[3, 4]} : f32[3,4]
  %7 = matmul(%6, %w) "dense1" : f32[3,5]
  %8 = matmul(%6, %dy) {trans_a=1} : f32[4,5]
  output "y" = %7
  output "dw" = %8
})",
         R"(graph g {
  %x = input "x" : u8[3,1,2,2]
  %w = state "w" : f32[4,5]
  %dy = input "dy" : f32[3,5]
  %1 = reshape(%x) {shape=[3, 4]} : u8[3,4]
  %2 = matmul(%1, %w) {scale=0.012500000186264515, zero=33.29999923706055} "dense1" : f32[3,5]
  %3 = reshape(%x) {shape=[3, 4]} : u8[3,4]
  %4 = matmul(%3, %dy) {scale=0.012500000186264515, trans_a=1, zero=33.29999923706055} : f32[4,5]
  output "y" = %2
  output "dw" = %4
})");
}

TEST(ReadBytes, PlainPicturesAreRead) {
  expect(R"(graph g {
  %x = input "x" : u8[3,4]
  %w = input "w" : f32[4,5]
  %1 = cast(%x) {dtype="f32"} : f32[3,4]
  %2 = matmul(%1, %w) : f32[3,5]
  output "y" = %2
})",
         R"(graph g {
  %x = input "x" : u8[3,4]
  %w = input "w" : f32[4,5]
  %1 = matmul(%x, %w) : f32[3,5]
  output "y" = %1
})");
}

// A mean for each channel is no number, and other integers and other operands are not read.
TEST(ReadBytes, AllElseStays) {
  const auto stays = [](std::string_view text) { expect(text, text); };
  stays(R"(graph g {
  %x = input "x" : u8[3,2]
  %w = input "w" : f32[2,5]
  %1 = cast(%x) {dtype="f32"} : f32[3,2]
  %2 = constant [1.5, 2.5] : f32[2]
  %3 = sub(%1, %2) : f32[3,2]
  %4 = matmul(%3, %w) : f32[3,5]
  output "y" = %4
})");
  stays(R"(graph g {
  %x = input "x" : i8[3,2]
  %w = input "w" : f32[2,5]
  %1 = cast(%x) {dtype="f32"} : f32[3,2]
  %2 = matmul(%1, %w) : f32[3,5]
  output "y" = %2
})");
  stays(R"(graph g {
  %x = input "x" : u8[3,2]
  %w = input "w" : f32[5,3]
  %1 = cast(%x) {dtype="f32"} : f32[3,2]
  %2 = matmul(%w, %1) : f32[5,2]
  output "y" = %2
})");
}

}  // namespace
}  // namespace hone::passes

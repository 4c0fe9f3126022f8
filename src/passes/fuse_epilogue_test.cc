// What rides in a contraction's epilogue, and what must not.
#include "passes/fuse_epilogue.h"

#include "passes/pass_test_support.h"

namespace hone::passes {
namespace {

void expect_fused(std::string_view before, std::string_view after) {
  const std::string from = "graph g {\n" + std::string(before) + "\n}";
  expect_pass(fuse_epilogue, from, "graph g {\n" + std::string(after) + "\n}");
  const ir::Graph graph = ir::parse(from);
  const ir::Graph fused = fuse_epilogue(graph, {});
  ir::verify(fused, ir::Level::planned);
  expect_same_bits(graph, fused);
}

void expect_unfused(std::string_view text) { expect_fused(text, text); }

constexpr std::string_view kSources =
    "%x = input \"x\" : f32[4,3]\n %w = state \"w\" trainable : f32[3,5]\n"
    "%b = state \"b\" trainable : f32[5]\n";

std::string with_sources(std::string_view rest) {
  return std::string(kSources) + std::string(rest);
}

TEST(FuseEpilogue, BiasAndActivationRide) {
  expect_fused(with_sources(R"(
    %c = constant 0.5 : f32[]
    %m = matmul(%x, %w) "dense"
    %a = add(%m, %b)
    %s = mul(%a, %c)
    %y = relu(%s)
    output "y" = %y)"),
               with_sources(R"(
    %y = matmul(%x, %w, %b) {epilogue=graph add_mul_relu {
      %acc = input "acc" : f32[4,5]
      %b = input "b" : f32[5]
      %2 = add(%acc, %b)
      %3 = constant 0.5 : f32[]
      %4 = mul(%2, %3)
      %5 = relu(%4)
      output "y0" = %5
    }} "dense"
    output "y" = %y)"));
}

TEST(FuseEpilogue, TheAccumulatorMayBeReadTwice) {
  expect_fused(with_sources(R"(
    %m = matmul(%x, %w)
    %s = sigmoid(%m)
    %y = mul(%m, %s)
    output "y" = %y)"),
               with_sources(R"(
    %y = matmul(%x, %w) {epilogue=graph sigmoid_mul {
      %acc = input "acc" : f32[4,5]
      %1 = sigmoid(%acc)
      %2 = mul(%acc, %1)
      output "y0" = %2
    }}
    output "y" = %y)"));
}

// The mask of a relu's gradient is only read here: it need not be stored.
TEST(FuseEpilogue, NodesThatOnlyTheEpilogueReadsComeAlong) {
  expect_fused(with_sources(R"(
    %h = input "h" : f32[4,5]
    %zero = constant 0 : f32[]
    %m = matmul(%x, %w)
    %on = greater(%h, %zero)
    %d = select(%on, %m, %zero)
    output "d" = %d)"),
               with_sources(R"(
    %h = input "h" : f32[4,5]
    %d = matmul(%x, %w, %h) {epilogue=graph greater_select {
      %acc = input "acc" : f32[4,5]
      %h = input "h" : f32[4,5]
      %2 = constant 0 : f32[]
      %3 = greater(%h, %2)
      %4 = select(%3, %acc, %2)
      output "y0" = %4
    }}
    output "d" = %d)"));
}

// The epilogue ends before a value that two read, and where the result would not be f32.
TEST(FuseEpilogue, EndsAtTheLastValueThatAllReadersShare) {
  expect_fused(with_sources(R"(
    %m = matmul(%x, %w)
    %a = add(%m, %b)
    %y = relu(%a)
    %z = exp(%a)
    output "y" = %y
    output "z" = %z)"),
               with_sources(R"(
    %a = matmul(%x, %w, %b) {epilogue=graph add {
      %acc = input "acc" : f32[4,5]
      %b = input "b" : f32[5]
      %2 = add(%acc, %b)
      output "y0" = %2
    }}
    %y = relu(%a)
    %z = exp(%a)
    output "y" = %y
    output "z" = %z)"));
}

TEST(FuseEpilogue, WhatOthersReadStays) {
  expect_unfused(
      with_sources("%m = matmul(%x, %w)\n %y = relu(%m)\n output \"m\" = %m\n"
                   "output \"y\" = %y"));
  expect_unfused(
      with_sources("%m = matmul(%x, %w)\n %y = cast(%m) {dtype=\"bool\"}\n"
                   "output \"y\" = %y"));
  // The reader's loop is larger than the contraction.
  expect_unfused(
      with_sources("%h = input \"h\" : f32[2,4,5]\n %m = matmul(%x, %w)\n"
                   "%y = add(%m, %h)\n output \"y\" = %y"));
}

// Of two contractions that are added, the later one takes the sum, after the earlier one.
TEST(FuseEpilogue, OperandsAreComputedBefore) {
  expect_fused(with_sources(R"(
    %m = matmul(%x, %w)
    %h = exp(%x)
    %n = matmul(%h, %w)
    %y = add(%m, %n)
    output "y" = %y)"),
               with_sources(R"(
    %h = exp(%x)
    %n = matmul(%h, %w)
    %y = matmul(%x, %w, %n) {epilogue=graph add {
      %acc = input "acc" : f32[4,5]
      %x1 = input "x1" : f32[4,5]
      %2 = add(%acc, %x1)
      output "y0" = %2
    }}
    output "y" = %y)"));
}

// The step of a parameter waits for the last reader of the old value, to be written in its place.
TEST(FuseEpilogue, AnUpdateWaitsForTheReadersOfItsState) {
  expect_fused(with_sources(R"(
    %dy = input "dy" : f32[4,5]
    %rate = constant 0.1 : f32[]
    %dw = matmul(%x, %dy) {trans_a=1}
    %dx = matmul(%dy, %w) {trans_b=1}
    %late = exp(%x)
    %step = mul(%dw, %rate)
    %next = sub(%w, %step)
    output "dx" = %dx
    output "late" = %late
    update %w = %next)"),
               with_sources(R"(
    %dy = input "dy" : f32[4,5]
    %dx = matmul(%dy, %w) {trans_b=1}
    %next = matmul(%x, %dy, %w) {trans_a=1, epilogue=graph mul_sub {
      %acc = input "acc" : f32[3,5]
      %w = input "w" : f32[3,5]
      %2 = constant 0.1 : f32[]
      %3 = mul(%acc, %2)
      %4 = sub(%w, %3)
      output "y0" = %4
    }}
    %late = exp(%x)
    output "dx" = %dx
    output "late" = %late
    update %w = %next)"));
}

TEST(FuseEpilogue, ConvolutionsTakeChannelOperandsInNhwc) {
  expect_fused(R"(
    %x = input "x" : f32[2,5,5,3]
    %w = state "w" : f32[4,3,3,3]
    %b = state "b" : f32[1,1,1,4]
    %c = conv2d(%x, %w) {dilation=[1, 1], groups=1, layout="nhwc", pad=[1, 1, 1, 1], stride=[1, 1]}
    %y = add(%c, %b)
    output "y" = %y)",
               R"(
    %x = input "x" : f32[2,5,5,3]
    %w = state "w" : f32[4,3,3,3]
    %b = state "b" : f32[1,1,1,4]
    %y = conv2d(%x, %w, %b) {dilation=[1, 1], groups=1, layout="nhwc", pad=[1, 1, 1, 1], stride=[1, 1], epilogue=graph add {
      %acc = input "acc" : f32[2,5,5,4]
      %b = input "b" : f32[1,1,1,4]
      %2 = add(%acc, %b)
      output "y0" = %2
    }}
    output "y" = %y)");
  expect_unfused(R"(
    %x = input "x" : f32[2,3,5,5]
    %w = state "w" : f32[4,3,3,3]
    %b = state "b" : f32[1,4,1,1]
    %c = conv2d(%x, %w) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]}
    %y = add(%c, %b)
    output "y" = %y)");
}

TEST(FuseEpilogue, SumsOfBytesAreFinishedWhereTheyAreMade) {
  expect_fused(R"(
    %x = input "x" : u8[2,3]
    %w = state "w" : i8[3,4]
    %b = matmul(%x, %w)
    %a = matmul(%x, %w)
    %1 = cast(%a) {dtype="f32"}
    %2 = cast(%1) {dtype="u8"}
    %3 = cast(%2) {dtype="f32"}
    %4 = cast(%b) {dtype="f32"}
    %5 = add(%4, %3)
    %y = cast(%5) {dtype="u8"}
    output "y" = %y)",
               R"(
    %x = input "x" : u8[2,3]
    %w = state "w" : i8[3,4]
    %2 = matmul(%x, %w) {epilogue=graph cast_cast {
      %acc = input "acc" : i32[2,4]
      %1 = cast(%acc) {dtype="f32"}
      %2 = cast(%1) {dtype="u8"}
      output "y0" = %2
    }}
    %3 = matmul(%x, %w, %2) {epilogue=graph cast_cast_add_cast {
      %acc = input "acc" : i32[2,4]
      %x1 = input "x1" : u8[2,4]
      %2 = cast(%x1) {dtype="f32"}
      %3 = cast(%acc) {dtype="f32"}
      %4 = add(%3, %2)
      %5 = cast(%4) {dtype="u8"}
      output "y0" = %5
    }}
    output "y" = %3)");
}

}  // namespace
}  // namespace hone::passes

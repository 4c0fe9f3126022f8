// The verifier accepts what it should and names the node where it does not; binding a batch; dead
// nodes.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "ir/bind.h"
#include "ir/parse.h"
#include "ir/rewrite.h"
#include "ir/text.h"

namespace hone::ir {
namespace {

std::string complaint(std::string_view text, Level level) {
  try {
    verify(parse(text), level);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Verify, AcceptsAGraph) {
  EXPECT_EQ(complaint(R"(graph g {
    %x = input "x" : f32[N,2]
    %w = state "w" trainable : f32[2,3]
    %y = matmul(%x, %w) {trans_a=0}
    %z = add(%w, %w)
    output "y" = %y
    update %w = %z
  })",
                      Level::imported),
            "");
}

TEST(Verify, NamesTheNode) {
  EXPECT_EQ(complaint("graph g { %x = input \"x\" : f32[2]\n %y = relu(%x) {slope=1} \"act\" }",
                      Level::imported),
            "graph 'g', node 1: relu 'act': attribute 'slope' is unknown: expected none");
  EXPECT_EQ(complaint("graph g { %x = input \"x\" : f32[2]\n %y = pad(%x) {axis=0, before=1} }",
                      Level::imported),
            "graph 'g', node 1: pad '': attribute 'after' is missing");
  EXPECT_EQ(complaint("graph g { %x = input \"x\" : f32[N] }", Level::planned),
            "graph 'g', node 0: input 'x': expected a static shape, found %0 of type f32[N]");
}

TEST(Verify, NamesAreUniqueOfAKind) {
  EXPECT_EQ(
      complaint("graph g { %x = input \"x\" : f32[]\n %y = input \"x\" : f32[] }", Level::imported),
      "graph 'g': two inputs are named 'x'");
  EXPECT_EQ(
      complaint("graph g { %x = input \"x\" : f32[]\n %y = state \"x\" : f32[] }", Level::imported),
      "");
}

TEST(Verify, AStateIsUpdatedOnce) {
  EXPECT_EQ(complaint("graph g { %x = state \"x\" : f32[]\n update %x = %x\n update %x = %x }",
                      Level::differentiated),
            "graph 'g': state 'x' is updated twice");
}

TEST(Verify, LevelsAllowRegionsAndShards) {
  constexpr std::string_view sharded =
      "graph g { %x = input \"x\" : f32[N]\n"
      "%y = reduce_sum(%x) {axes=[0], batch=4, shards=1} }";
  EXPECT_NE(complaint(sharded, Level::imported), "");
  EXPECT_EQ(complaint(sharded, Level::differentiated), "");
  constexpr std::string_view fused =
      "graph g { %x = input \"x\" : f32[4]\n %y = fused(%x) {body=graph b {\n"
      "%x = input \"x\" : f32[4]\n %y = relu(%x)\n output \"y\" = %y }} }";
  EXPECT_NE(complaint(fused, Level::differentiated), "");
  EXPECT_EQ(complaint(fused, Level::planned), "");
  constexpr std::string_view moves =
      "graph g { %x = input \"x\" : f32[4]\n %y = fused(%x) {body=graph b {\n"
      "%x = input \"x\" : f32[4]\n %y = reshape(%x) {shape=[2, 2]}\n output \"y\" = %y }} }";
  EXPECT_NE(complaint(moves, Level::planned).find("found reshape"), std::string::npos);
}

TEST(Infer, RefusesWhatNoMachineHolds) {
  Graph g("g");
  constexpr int64_t kHuge = int64_t{1} << 62;
  const auto refused = [](const auto& f) { EXPECT_THROW(f(), Error); };
  refused([&] { g.input("x", {DType::f32, {kHuge}}); });
  refused([&] { g.input("x", {DType::f32, {1 << 30, 1 << 30}}); });
  refused([&] { g.input("x", {DType::f32, {-2}}); });
  const ValueId x = g.input("x", {DType::f32, {1, 1, 4, 4}});
  refused([&] { g.add(op::reshape, {x}, {{"shape", Ints{kHuge, kHuge, 16}}}); });
  refused([&] {
    g.add(op::pad, {x}, {{"axis", int64_t{2}}, {"before", INT64_MAX}, {"after", INT64_MAX}});
  });
  refused([&] {
    g.add(op::max_pool2d, {x},
          {{"window", Ints{2, 2}},
           {"stride", Ints{1, 1}},
           {"pad", Ints{kHuge, 0, kHuge, 0}},
           {"layout", std::string("nchw")}});
  });
}

TEST(BindBatch, ReplacesTheBatchEverywhere) {
  const Graph g = bind_batch(parse(R"(graph g {
  %x = input "x" : f32[N,4]
  %seed = state "seed" : i64[]
  %2 = reshape(%x) {shape=[0, 2, 2]} : f32[N,2,2]
  %3 = reshape(%2) {shape=[-1, 4]} : f32[N,4]
  %4 = random_uniform(%seed, %seed) {key=1, shape=[-1, 4]} : f32[N,4]
  %5 = fused(%3) {body=graph b {
    %x = input "x" : f32[N,4]
    %1 = relu(%x) : f32[N,4]
    output "y" = %1
  }} : f32[N,4]
  output "y" = %5
})"),
                             8);
  EXPECT_EQ(to_text(g), R"(graph g {
  %x = input "x" : f32[8,4]
  %seed = state "seed" : i64[]
  %2 = reshape(%x) {shape=[0, 2, 2]} : f32[8,2,2]
  %3 = reshape(%2) {shape=[8, 4]} : f32[8,4]
  %4 = random_uniform(%seed, %seed) {key=1, shape=[8, 4]} : f32[8,4]
  %5 = fused(%3) {body=graph b {
    %x = input "x" : f32[8,4]
    %1 = relu(%x) : f32[8,4]
    output "y" = %1
  }} : f32[8,4]
  output "y" = %5
}
)");
  verify(g, Level::planned);
  EXPECT_THROW(bind_batch(g, 0), Error);
}

TEST(Rewrite, DeadNodesGoAndTheInterfaceStays) {
  const Graph g = without_dead_nodes(parse(R"(graph g {
  %x = input "x" : f32[4]
  %unused = input "unused" : f32[4]
  %s = state "s" : f32[4]
  %3 = exp(%x)
  %4 = log(%3)
  %5 = neg(%x)
  output "y" = %5
  update %s = %x
})"));
  EXPECT_EQ(to_text(g), R"(graph g {
  %x = input "x" : f32[4]
  %unused = input "unused" : f32[4]
  %s = state "s" : f32[4]
  %3 = neg(%x) : f32[4]
  output "y" = %3
  update %s = %x
}
)");
}

}  // namespace
}  // namespace hone::ir

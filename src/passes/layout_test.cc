// The layout pass, followed by the simplification that clears what cancels.
#include "passes/layout.h"

#include "passes/autodiff.h"
#include "passes/pass_test_support.h"
#include "passes/simplify.h"

namespace hone::passes {
namespace {

ir::Graph laid_out(const ir::Graph& graph, const PassContext& context) {
  return simplify(layout(graph, context), context);
}

int count(const ir::Graph& graph, const ir::OpSpec& op) {
  int n = 0;
  for (const ir::Node& node : graph.nodes()) n += node.is(op);
  return n;
}

constexpr std::string_view kChain = R"(graph g {
  %x = input "x" : f32[2,1,8,8]
  %w1 = state "w1" trainable : f32[4,1,3,3]
  %b1 = state "b1" trainable : f32[4]
  %w2 = state "w2" trainable : f32[6,4,3,3]
  %c1 = conv2d(%x, %w1) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]} "conv1"
  %r1 = reshape(%b1) {shape=[1, 4, 1, 1]}
  %a1 = add(%c1, %r1)
  %y1 = relu(%a1)
  %p1 = max_pool2d(%y1) {layout="nchw", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]} "pool1"
  %c2 = conv2d(%p1, %w2) {dilation=[1, 1], groups=1, layout="nchw", pad=[0, 0, 0, 0], stride=[1, 1]} "conv2"
  %f = reshape(%c2) {shape=[0, 24]} "flatten"
  output "logits" = %f
})";

TEST(Layout, AChainHasNoTransposesBetween) {
  expect_pass(laid_out, kChain, R"(graph g {
  %x = input "x" : f32[2,1,8,8]
  %w1 = state "w1" trainable : f32[4,1,3,3]
  %b1 = state "b1" trainable : f32[4]
  %w2 = state "w2" trainable : f32[6,4,3,3]
  %4 = reshape(%x) {shape=[2, 8, 8, 1]} : f32[2,8,8,1]
  %5 = conv2d(%4, %w1) {dilation=[1, 1], groups=1, layout="nhwc", pad=[1, 1, 1, 1], stride=[1, 1]} "conv1"
  %6 = reshape(%b1) {shape=[1, 1, 1, 4]}
  %7 = add(%5, %6)
  %8 = relu(%7)
  %9 = max_pool2d(%8) {layout="nhwc", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]} "pool1"
  %10 = conv2d(%9, %w2) {dilation=[1, 1], groups=1, layout="nhwc", pad=[0, 0, 0, 0], stride=[1, 1]} "conv2"
  %11 = transpose(%10) {perm=[0, 3, 1, 2]}
  %12 = reshape(%11) {shape=[2, 24]} "flatten"
  output "logits" = %12
})");
  const ir::Graph graph = ir::parse(kChain);
  expect_same_bits(graph, laid_out(graph, {}));
}

// Forward and backward of the chain, ended by a loss.
ir::Graph trained(std::string_view text) {
  ir::Graph graph = ir::parse(text);
  const ir::ValueId logits = graph.find_output("logits");
  const ir::ValueId square = graph.add(ir::op::mul, {logits, logits});
  graph.output("loss", graph.add(ir::op::reduce_sum, {square}, {{"axes", ir::Ints{0, 1}}}));
  return differentiate(graph, "loss");
}

TEST(Layout, BackwardHasTransposesAtFlattenOnly) {
  const ir::Graph graph = trained(kChain);
  const ir::Graph result = laid_out(graph, {});
  // Flatten and its gradient.
  EXPECT_EQ(count(result, ir::op::transpose), 2) << ir::to_text(result);
  expect_same_bits(graph, result);
}

TEST(Layout, BatchNormAndResidualsStayInNhwc) {
  const ir::Graph graph = trained(R"(graph g {
  %x = input "x" : f32[4,3,6,6]
  %w1 = state "w1" trainable : f32[3,3,3,3]
  %scale = state "scale" trainable : f32[3]
  %one = constant 144 : f32[]
  %c1 = conv2d(%x, %w1) {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]}
  %mean, %m2 = moments(%c1) {axes=[0, 2, 3], batch=4, shards=2}
  %v = div(%m2, %one)
  %sd = sqrt(%v)
  %d = sub(%c1, %mean)
  %s4 = reshape(%scale) {shape=[1, 3, 1, 1]}
  %k = div(%s4, %sd)
  %n = mul(%d, %k)
  %r = add(%n, %x)
  %rl = relu(%r)
  %ap = avg_pool2d(%rl) {count_pad=0, layout="nchw", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]}
  %g = reduce_sum(%ap) {axes=[2, 3]}
  output "logits" = %g
})");
  const ir::Graph result = laid_out(graph, {});
  // x
  EXPECT_EQ(count(result, ir::op::transpose), 1) << ir::to_text(result);
  expect_same_bits(graph, result);
}

TEST(Layout, MovementsAndReductionsFollow) {
  const ir::Graph graph = ir::parse(R"(graph g {
  %x = input "x" : f32[2,3,4,6]
  %p = max_pool2d(%x) {layout="nchw", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]}
  %q = pad(%p) {axis=3, before=1, after=2}
  %s = slice(%q) {axis=1, begin=1, end=3}
  %c = concat(%s, %s) {axis=1}
  %chw = reduce_sum(%c) {axes=[0]}
  %k = reduce_max(%c) {axes=[1], keep=1}
  %h = input "h" : f32[2,1]
  %m = mul(%c, %h)
  %b = broadcast(%k) {shape=[2, 5, 2, 6]}
  %a = argmax(%m) {axis=1}
  %i = constant [0, 0, 1, -1] : i64[4]
  %g = gather(%p, %i) {axis=2}
  %j = constant [0, 2] : i64[1,2]
  %d = gather(%p, %j) {axis=1}
  output "g" = %g
  output "d" = %d
  output "chw" = %chw
  output "m" = %m
  output "b" = %b
  output "a" = %a
})");
  const ir::Graph result = laid_out(graph, {});
  ir::verify(result, ir::Level::planned);
  expect_same_bits(graph, result);
  EXPECT_EQ(result.producer(result.find_output("g")).op,
            &ir::op::transpose);  // to NCHW, at the end
}

}  // namespace
}  // namespace hone::passes

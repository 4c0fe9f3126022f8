// What layers make of shapes: the output's, the parameters' and the error line where none fits.
#include <gtest/gtest.h>

#include "base/test_support.h"
#include "nn/network.h"

namespace hone::nn {
namespace {

Built build(const Var& output, const Shape& batch, Mode mode = Mode::inference) {
  return make_network("m", output, std::nullopt)->build(mode, {DType::f32, batch});
}
Built build(const std::vector<Layer>& layers, const Shape& batch) {
  return build(chain(layers), batch);
}

Shape output_of(const Built& built) { return built.graph.shape(built.graph.find_output("logits")); }
template <class Network>
Shape shape_of(const Network& network, const Shape& batch) {
  return output_of(build(network, batch));
}

/// "dense1.weight[3,4] dense1.bias[4]"; statistics in parentheses.
std::string states_of(const Built& built) {
  std::string out;
  for (const StateInit& s : built.states) {
    const ir::Node& node = built.graph.producer(built.graph.find_state(s.name));
    const std::string text = s.name + s.type.shape.to_string();
    out += (out.empty() ? "" : " ") + (node.attrs.flag("trainable") ? text : "(" + text + ")");
  }
  return out;
}

int64_t trainable_elements(const Built& built) {
  int64_t n = 0;
  for (const StateInit& s : built.states)
    if (built.graph.producer(built.graph.find_state(s.name)).attrs.flag("trainable"))
      n += s.type.shape.elements();
  return n;
}

std::string error_of(const Layer& layer, const Shape& batch) {
  return test::error_of([&] { build({layer}, batch); });
}

const Shape kImages = {kBatch, 4, 9, 7};

TEST(Dense, HasAWeightAndABias) {
  const Built b = build({dense(5, relu)}, {kBatch, 3});
  EXPECT_EQ(output_of(b), (Shape{kBatch, 5}));
  EXPECT_EQ(states_of(b), "dense1.weight[3,5] dense1.bias[5]");
  EXPECT_EQ(trainable_elements(b), 20);
  EXPECT_EQ(b.states[0].fan_in, 3);
  EXPECT_EQ(b.states[0].fan_out, 5);
  EXPECT_EQ(states_of(build({dense(5, relu, {.bias = false, .name = "head"})}, {kBatch, 3})),
            "head.weight[3,5]");
}

TEST(Dense, RefusesImagesAndNoUnits) {
  EXPECT_EQ(error_of(dense(5), kImages),
            "dense 'dense1': expected vectors [N,D], found [N,4,9,7]; flatten() before it?");
  EXPECT_EQ(test::error_of([] { dense(0); }), "dense: expected at least 1 unit, found 0");
}

TEST(Conv2d, ShapesAreThoseOfTheFormula) {
  const auto conv = [](int64_t kernel, int64_t stride, const Padding& padding, int64_t dilation) {
    const Conv2dOptions options{.stride = stride, .padding = padding, .dilation = dilation};
    return shape_of(std::vector{conv2d(8, kernel, relu, options)}, kImages);
  };
  EXPECT_EQ(conv(3, 1, Padding::valid(), 1), (Shape{kBatch, 8, 7, 5}));
  EXPECT_EQ(conv(3, 2, Padding::valid(), 1), (Shape{kBatch, 8, 4, 3}));
  EXPECT_EQ(conv(3, 1, Padding::valid(), 2), (Shape{kBatch, 8, 5, 3}));
  EXPECT_EQ(conv(3, 1, Padding::same(), 1), (Shape{kBatch, 8, 9, 7}));
  EXPECT_EQ(conv(2, 1, Padding::same(), 1), (Shape{kBatch, 8, 9, 7}));
  EXPECT_EQ(conv(3, 2, Padding::same(), 1), (Shape{kBatch, 8, 5, 4}));
  EXPECT_EQ(conv(3, 1, Padding::same(), 3), (Shape{kBatch, 8, 9, 7}));
  EXPECT_EQ(conv(1, 4, Padding::same(), 1), (Shape{kBatch, 8, 3, 2}));
  EXPECT_EQ(conv(3, 1, Padding::pixels(2), 1), (Shape{kBatch, 8, 11, 9}));
  EXPECT_EQ(conv(3, 3, Padding::pixels(1), 1), (Shape{kBatch, 8, 3, 3}));
}

// Where the padding of `same` is odd, the bottom and the right get the more.
TEST(Conv2d, SamePadsMoreAtTheBottomAndRight) {
  const auto pads = [](int64_t kernel, int64_t stride, const Shape& batch) {
    const Built b =
        build({conv2d(1, kernel, linear, {.stride = stride, .padding = Padding::same()})}, batch);
    for (const ir::Node& node : b.graph.nodes())
      if (node.is(ir::op::conv2d)) return node.attrs.ints("pad");
    return ir::Ints{};
  };
  EXPECT_EQ(pads(3, 1, {1, 1, 8, 8}), (ir::Ints{1, 1, 1, 1}));
  EXPECT_EQ(pads(2, 1, {1, 1, 8, 8}), (ir::Ints{0, 0, 1, 1}));
  EXPECT_EQ(pads(3, 2, {1, 1, 8, 9}), (ir::Ints{0, 1, 1, 1}));
  EXPECT_EQ(pads(4, 1, {1, 1, 8, 8}), (ir::Ints{1, 1, 2, 2}));
}

TEST(Conv2d, GroupsShareTheChannelsOut) {
  const Built b = build({conv2d(6, 3, linear, {.groups = 2})}, kImages);
  EXPECT_EQ(states_of(b), "conv1.weight[6,2,3,3] conv1.bias[6]");
  EXPECT_EQ(b.states[0].fan_in, 2 * 9);
  EXPECT_EQ(b.states[0].fan_out, 3 * 9);
  EXPECT_EQ(states_of(build({conv2d(8, 3, linear, {.groups = 4, .bias = false})}, kImages)),
            "conv1.weight[8,1,3,3]");
  EXPECT_EQ(error_of(conv2d(6, 3, linear, {.groups = 4}), kImages),
            "conv2d 'conv1': 4 groups do not divide 4 input channels and 6 filters");
  EXPECT_EQ(error_of(conv2d(6, 3, linear, {.groups = 3}), kImages),
            "conv2d 'conv1': 3 groups do not divide 4 input channels and 6 filters");
}

TEST(Conv2d, RefusesVectorsAndEmptyWindows) {
  EXPECT_EQ(error_of(conv2d(6, 3), {kBatch, 3}),
            "conv2d 'conv1': expected images [N,C,H,W], found [N,3]");
  EXPECT_EQ(test::error_of([] { conv2d(6, 3, linear, {.stride = 0}); }),
            "conv2d: expected positive filters, kernel, stride, dilation and groups");
  EXPECT_NE(error_of(conv2d(6, 8), kImages).find("conv2d 'conv1'"), std::string::npos);
}

TEST(Pool2d, StridesByItsWindowUnlessTold) {
  for (const auto pool : {max_pool2d, avg_pool2d}) {
    EXPECT_EQ(shape_of(std::vector{pool(2, {})}, kImages), (Shape{kBatch, 4, 4, 3}));
    EXPECT_EQ(shape_of(std::vector{pool(3, {.stride = 1})}, kImages), (Shape{kBatch, 4, 7, 5}));
    EXPECT_EQ(shape_of(std::vector{pool(2, {.padding = Padding::same()})}, kImages),
              (Shape{kBatch, 4, 5, 4}));
    EXPECT_EQ(shape_of(std::vector{pool(3, {.stride = 2, .padding = Padding::pixels(1)})}, kImages),
              (Shape{kBatch, 4, 5, 4}));
    EXPECT_TRUE(build({pool(2, {})}, kImages).states.empty());
  }
  EXPECT_EQ(error_of(max_pool2d(2), {kBatch, 3}),
            "max_pool 'max_pool1': expected images [N,C,H,W], found [N,3]");
  EXPECT_EQ(test::error_of([] { avg_pool2d(0); }),
            "avg_pool: expected a positive window and stride, found 0 and 0");
}

TEST(Layers, WithoutParametersReshape) {
  EXPECT_EQ(shape_of(std::vector{global_avg_pool2d()}, kImages), (Shape{kBatch, 4}));
  EXPECT_EQ(shape_of(std::vector{flatten()}, kImages), (Shape{kBatch, 252}));
  EXPECT_EQ(shape_of(std::vector{reshape({2, 9, 14})}, kImages), (Shape{kBatch, 2, 9, 14}));
  EXPECT_EQ(shape_of(std::vector{activation(softmax)}, kImages), kImages);
  EXPECT_EQ(error_of(reshape({5}), kImages),
            "reshape1: cannot reshape samples of [N,4,9,7] to [5]");
  EXPECT_EQ(test::error_of([] { pad_channels(0, -1); }),
            "pad_channels: expected counts of at least 0, found 0 and -1");
}

TEST(BatchNorm, HasTwoParametersAndTwoStatistics) {
  const Built b = build({batch_norm()}, kImages);
  EXPECT_EQ(output_of(b), kImages);
  EXPECT_EQ(states_of(b), "norm1.scale[4] norm1.offset[4] (norm1.mean[4]) (norm1.variance[4])");
  EXPECT_EQ(trainable_elements(b), 8);
  EXPECT_EQ(error_of(batch_norm({.name = "bn"}), {kBatch, 3, 2}),
            "batch_norm 'bn': expected [N,C,H,W] or [N,D], found [N,3,2]");
}

TEST(Network, NumbersUnnamedLayersByKind) {
  const Built b = build({conv2d(2, 3), conv2d(2, 3, relu, {.name = "mid"}), conv2d(2, 3), flatten(),
                         dense(3), dense(2)},
                        kImages);
  EXPECT_EQ(states_of(b),
            "conv1.weight[2,4,3,3] conv1.bias[2] mid.weight[2,2,3,3] mid.bias[2] "
            "conv2.weight[2,2,3,3] conv2.bias[2] dense1.weight[6,3] dense1.bias[3] "
            "dense2.weight[3,2] dense2.bias[2]");
}

TEST(Network, RefusesNamesGivenTwice) {
  EXPECT_EQ(test::error_of([] {
              build({dense(3, relu, {.name = "a"}), dense(3, relu, {.name = "a"})}, {kBatch, 3});
            }),
            "model 'm': two layers are named 'a'");
}

// A residual block with a branch joined to it; one layer applied twice has parameters twice.
TEST(Network, FunctionalGraphsBranchAndJoin) {
  const Var x = input({4, 9, 7});
  const Layer conv = conv2d(4, 3, relu, {.padding = Padding::same()});
  const Var residual = add({conv(conv(x)), x});
  const Var joined = concat({residual, x, conv2d(2, 1)(x)});
  const Built b = build(dense(3)(global_avg_pool2d()(joined)), kImages);
  EXPECT_EQ(output_of(b), (Shape{kBatch, 3}));
  EXPECT_EQ(states_of(b),
            "conv1.weight[4,4,3,3] conv1.bias[4] conv2.weight[4,4,3,3] conv2.bias[4] "
            "conv3.weight[2,4,1,1] conv3.bias[2] dense1.weight[10,3] dense1.bias[3]");
}

TEST(Network, ConcatJoinsAnyAxisOfASample) {
  const Var x = input({4, 9, 7});
  EXPECT_EQ(shape_of(concat({x, x}), kImages), (Shape{kBatch, 8, 9, 7}));
  EXPECT_EQ(shape_of(concat({x, x}, 2), kImages), (Shape{kBatch, 4, 9, 14}));
  // Axis -1 would be the batch.
  for (const int64_t axis : {-1, 3})
    for (const int64_t n : {kBatch, int64_t{2}})
      EXPECT_EQ(test::error_of([&] {
                  build(concat({x, x}, axis), {n, 4, 9, 7});
                }),
                fmt::format("concat1: expected an axis in [0, 3), found {}", axis));
}

TEST(Network, RefusesOperandsThatDoNotFit) {
  const Var x = input({3});
  EXPECT_EQ(test::error_of([&] {
              build(add({dense(2)(x), x}), {kBatch, 3});
            }),
            "add1: expected operands of one shape, found [N,2] and [N,3]");
  EXPECT_EQ(test::error_of([&] { add({x}); }), "add: expected at least 2 operands, found 1");
  EXPECT_EQ(test::error_of([&] { dense(2).apply({}); }), "dense: expected at least 1 operand");
  EXPECT_EQ(test::error_of([&] { concat({}); }), "concat: expected at least 1 operand");
  EXPECT_EQ(test::error_of([&] {
              build(add({x, input({3})}), {kBatch, 3});
            }),
            "model 'm': expected one input(), found several");
  EXPECT_EQ(test::error_of([&] {
              build(dense(2)(x), {kBatch, 4});
            }),
            "model 'm': expected samples of shape [N,3], found [N,4]");
  EXPECT_EQ(test::error_of([] { chain({}); }), "sequential: expected at least one layer");
}

}  // namespace
}  // namespace hone::nn

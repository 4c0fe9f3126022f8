// Classifiers of other makers against the same network in hone's form.
#include "nn/classifier.h"

#include <gtest/gtest.h>

#include "ir/bind.h"
#include "ir/expr.h"
#include "ir/text.h"
#include "kernels/interpreter.h"
#include "nn/activations.h"

namespace hone::nn {
namespace {

using ir::Expr;

/// Images of 3 channels and 2 x 2 pixels in any layout, and two classes.
struct Network {
  ir::Graph graph{"net"};
  Expr x;

  explicit Network(Shape input = {kBatch, 3, 2, 2}, DType dtype = DType::f32,
                   const std::string& name = "data") {
    x = ir::input(graph, name, {dtype, std::move(input)});
  }
  Expr logits() {
    const Expr flat = ir::reshape(ir::cast(x, DType::f32), {kBatch, 12});
    Tensor w(DType::f32, {12, 2});
    for (int i = 0; i < 24; ++i) w.data<float>()[i] = static_cast<float>(i % 7 - 3);
    return ir::matmul(flat, ir::constant(graph, w));
  }
  Tensor run(const Tensor& input, const ForeignOptions& options = {}) const {
    return kernels::interpret(ir::bind_batch(as_classifier(graph, options), 2), {{"input", input}})
        .outputs.at("logits");
  }
};

Tensor pixels() {
  Tensor out(DType::f32, {2, 3, 2, 2});
  for (int i = 0; i < 24; ++i) out.data<float>()[i] = static_cast<float>(i * 11 % 256);
  return out;
}

std::string error(const ir::Graph& graph, const ForeignOptions& options = {}) {
  try {
    as_classifier(graph, options);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Classifier, OneInHonesFormStaysAsItIs) {
  Network n({kBatch, 3, 2, 2}, DType::f32, "input");
  n.graph.output("logits", activate(Activation::softmax, n.logits()).id);
  EXPECT_EQ(ir::to_text(as_classifier(n.graph, {})), ir::to_text(n.graph));
  EXPECT_TRUE(ends_in_softmax(n.graph, "logits"));
}

TEST(Classifier, NamesDoNotMatterAndASoftmaxIsCutOff) {
  Network plain;
  plain.graph.output("scores", plain.logits().id);
  const Tensor expected = plain.run(pixels());

  Network ends;
  ends.graph.output("p", activate(Activation::softmax, ends.logits()).id);
  EXPECT_TRUE(ends_in_softmax(ends.graph, "p"));
  EXPECT_TRUE(ends.run(pixels()).same_bits(expected));

  Network pixel;  // [N,classes,1,1], as of a fully convolutional network
  const Expr logits = ir::reshape(pixel.logits(), {kBatch, 2, 1, 1});
  const Expr e = ir::exp(logits - ir::detached_max(logits, {1}));
  const Expr p = e / ir::reduce_sum(e, {1}, true);
  pixel.graph.output("p", ir::reshape(p, {kBatch, 2}).id);
  EXPECT_TRUE(ends_in_softmax(pixel.graph, "p"));
  EXPECT_TRUE(pixel.run(pixels()).same_bits(expected));
}

TEST(Classifier, WhatOnlyLooksLikeASoftmaxStays) {
  Network n;
  const Expr e = ir::exp(n.logits());
  n.graph.output("ratios", (e / ir::reduce_sum(e, {0}, true)).id);
  EXPECT_FALSE(ends_in_softmax(n.graph, "ratios"));
  EXPECT_FALSE(ends_in_softmax(n.graph, "absent"));
}

TEST(Classifier, PixelsAreScaledInTheGraph) {
  Network n;
  n.graph.output("scores", n.logits().id);
  Tensor by_hand = pixels();
  const float mean[] = {0.5f, 0.25f, 0.125f};
  const float deviation[] = {0.5f, 2, 4};
  for (int i = 0; i < 24; ++i) {
    float& v = by_hand.data<float>()[i];
    v = (v * 0.25f - mean[i / 4 % 3]) / deviation[i / 4 % 3];
  }
  const ForeignOptions options{.scale = 0.25, .mean = {0.5, 0.25, 0.125}, .deviation = {0.5, 2, 4}};
  EXPECT_TRUE(n.run(pixels(), options).same_bits(n.run(by_hand)));
  EXPECT_EQ(error(n.graph, {.mean = {1, 2}}), "mean: expected 1 or 3 numbers, found 2");
}

TEST(Classifier, TakesChannelsLastAndOtherDtypes) {
  Network last({kBatch, 2, 2, 3}, DType::u8);
  last.graph.output("scores", last.logits().id);
  const ir::Graph g = as_classifier(last.graph, {});
  EXPECT_EQ(g.type(g.find_input("input")).to_string(), "f32[N,3,2,2]");

  Network first;
  first.graph.output("scores", first.logits().id);
  Tensor moved(DType::f32, {2, 3, 2, 2});  // read as [2,2,2,3]
  const Tensor from = pixels();
  for (int n = 0; n < 2; ++n)
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < 4; ++i)
        moved.data<float>()[n * 12 + i * 3 + c] = from.data<float>()[n * 12 + c * 4 + i];
  EXPECT_TRUE(last.run(from).same_bits(first.run(moved)));
}

TEST(Classifier, ChoosesTheOutputThatCanBeMeant) {
  Network n;
  const Expr y = n.logits();
  n.graph.output("features", n.x.id);
  n.graph.output("scores", y.id);
  const Tensor expected = n.run(pixels());
  n.graph.output("more", (y * 2).id);
  EXPECT_EQ(error(n.graph),
            "which output are the classes? found 'features' f32[N,3,2,2], 'scores' f32[N,2], "
            "'more' f32[N,2]");
  EXPECT_TRUE(n.run(pixels(), {.output = "scores"}).same_bits(expected));
  EXPECT_EQ(error(n.graph, {.output = "score"}).substr(0, 36),
            "no output 'score': expected one of '");
  EXPECT_EQ(error(n.graph, {.output = "features"}),
            "output 'features': expected f32 [N, classes], found f32[N,3,2,2]");

  Network none;
  none.graph.output("image", none.x.id);
  EXPECT_EQ(error(none.graph),
            "expected a classifier, with an output f32 [N, classes], found 'image' f32[N,3,2,2]");
  Network two;
  ir::input(two.graph, "other", {DType::f32, {kBatch, 1}});
  two.graph.output("scores", two.logits().id);
  EXPECT_EQ(error(two.graph), "expected one input, found 2");
}

}  // namespace
}  // namespace hone::nn

// The zoo's networks: as many parameters as their papers say, and logits of any images.
#include "nn/zoo/zoo.h"

#include <gtest/gtest.h>

#include "base/test_support.h"
#include "nn/network.h"

namespace hone::nn {
namespace {

Built build(const ZooEntry& entry, const Shape& sample, int64_t classes) {
  std::vector<int64_t> dims = sample.dims();
  dims.insert(dims.begin(), kBatch);
  return make_network(std::string(entry.name), entry.of(classes), std::nullopt)
      ->build(Mode::inference, {DType::f32, Shape(dims)});
}

int64_t parameters(const Built& built) {
  int64_t n = 0;
  for (ir::ValueId v : built.graph.states())
    if (built.graph.producer(v).attrs.flag("trainable")) n += built.graph.shape(v).elements();
  return n;
}

TEST(Zoo, HasThePapersParameters) {
  const std::map<std::string_view, int64_t> expected = {
      {"linear", 7'850},     {"mlp", 101'770},         {"cnn", 225'034},
      {"resnet20", 269'722}, {"resnet18", 11'689'512}, {"mobilenetv2", 3'504'872}};
  for (const ZooEntry& entry : zoo())
    EXPECT_EQ(parameters(build(entry, entry.sample, entry.classes)), expected.at(entry.name))
        << entry.name;
}

TEST(Zoo, TakesShapeAndClassesFromTheData) {
  for (const ZooEntry& entry : zoo()) {
    for (const Shape& sample : {Shape{1, 28, 28}, Shape{3, 32, 32}, Shape{3, 65, 50}}) {
      const Built built = build(entry, sample, 7);
      EXPECT_EQ(built.graph.shape(built.graph.find_output("logits")), (Shape{kBatch, 7}))
          << entry.name << " " << sample.to_string();
    }
  }
}

/// The output of the last node of a layer.
Shape shape_of(const Built& built, const std::string& layer) {
  Shape out;
  for (const ir::Node& node : built.graph.nodes())
    if (node.name == layer) out = built.graph.shape(node.results[0]);
  return out;
}

TEST(Zoo, HalvesTheSizesOfItsPapers) {
  const Built small = build(zoo_entry("resnet20"), {3, 32, 32}, 10);
  EXPECT_EQ(shape_of(small, "layer1.2.conv2"), (Shape{kBatch, 16, 32, 32}));
  EXPECT_EQ(shape_of(small, "layer3.2.conv2"), (Shape{kBatch, 64, 8, 8}));
  const Built large = build(zoo_entry("resnet18"), {3, 224, 224}, 1000);
  EXPECT_EQ(shape_of(large, "stem.conv"), (Shape{kBatch, 64, 112, 112}));
  EXPECT_EQ(shape_of(large, "layer1.1.conv2"), (Shape{kBatch, 64, 56, 56}));
  EXPECT_EQ(shape_of(large, "layer4.1.conv2"), (Shape{kBatch, 512, 7, 7}));
  const Built mobile = build(zoo_entry("mobilenetv2"), {3, 224, 224}, 1000);
  EXPECT_EQ(shape_of(mobile, "bottleneck1.conv3"), (Shape{kBatch, 16, 112, 112}));
  EXPECT_EQ(shape_of(mobile, "bottleneck17.conv2"), (Shape{kBatch, 960, 7, 7}));
  EXPECT_EQ(shape_of(mobile, "head.conv"), (Shape{kBatch, 1280, 7, 7}));
}

TEST(Zoo, NamesWhatThereIs) {
  EXPECT_EQ(test::error_of([] { zoo_entry("resnet19"); }),
            "no model 'resnet19': expected one of linear, mlp, cnn, resnet20, resnet18, "
            "mobilenetv2, or an ONNX file");
}

TEST(Zoo, SchedulesSpanTheRun) {
  const auto schedule = [](Schedule::Kind kind, int64_t warmup) {
    return with_schedule(sgd(), kind, 30, 10, warmup).schedule;
  };
  EXPECT_EQ(schedule(Schedule::Kind::step, 0).steps, 100);
  // No fourth rate for the steps that thirds leave over.
  EXPECT_EQ(with_schedule(sgd(), Schedule::Kind::step, 1, 11, 0).schedule.steps, 4);
  EXPECT_EQ(with_schedule(sgd(), Schedule::Kind::step, 1, 1, 0).schedule.steps, 1);
  EXPECT_EQ(schedule(Schedule::Kind::cosine, 20).steps, 300);
  EXPECT_EQ(schedule(Schedule::Kind::cosine, 20).warmup, 20);
  EXPECT_EQ(schedule(Schedule::Kind::constant, 5).kind, Schedule::Kind::constant);
}

}  // namespace
}  // namespace hone::nn

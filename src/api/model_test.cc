// The facade: what a user of the library does with a model, and what a wrong use says.
#include <gtest/gtest.h>
#include <hone/hone.h>

#include <algorithm>
#include <cmath>

#include "base/test_support.h"
#include "train/synthetic.h"

namespace hone {
namespace {

using test::expect_error;
using test::TempFolder;
using train::synthetic_images;

Model convnet() {
  return sequential({conv2d(4, 3, linear, {.padding = Padding::same()}), batch_norm(),
                     activation(relu), max_pool2d(2), dropout(0.2), flatten(), dense(3)},
                    "tiny");
}

CompileOptions classifier() {
  return {.optimizer = adam({.lr = 0.01}), .metrics = {accuracy()}, .seed = 3, .threads = 2};
}

Model trained_convnet() {
  Model model = convnet();
  model.compile(classifier());
  model.fit(synthetic_images(200), {.epochs = 4, .batch = 32});
  return model;
}

/// Two inputs and targets that are linear in them.
data::Dataset linear_data(int64_t count) {
  data::Dataset out;
  out.name = "linear";
  out.images = Tensor(DType::f32, {count, 2});
  out.labels = Tensor(DType::f32, {count, 1});
  for (int64_t i = 0; i < count; ++i) {
    const Philox draw = philox(5, 0, static_cast<uint64_t>(i));
    float* x = out.images.data<float>() + 2 * i;
    x[0] = unit_float(draw.v[0]);
    x[1] = unit_float(draw.v[1]);
    out.labels.data<float>()[i] = 2 * x[0] - x[1] + 0.5f;
  }
  return out;
}

void expect_same_answers(Model& a, Model& b, const data::Dataset& data) {
  const Evaluation of_a = a.evaluate(data);
  const Evaluation of_b = b.evaluate(data);
  EXPECT_EQ(of_a.loss, of_b.loss);
  EXPECT_TRUE(of_a.accuracy == of_b.accuracy ||
              (std::isnan(of_a.accuracy) && std::isnan(of_b.accuracy)));
  EXPECT_TRUE(a.predict(data.images).same_bits(b.predict(data.images)));
}

TEST(Model, TrainsEvaluatesAndPredicts) {
  Model model = trained_convnet();
  const data::Dataset test = synthetic_images(300, 1);  // more than one batch of evaluation
  const Evaluation e = model.evaluate(test);
  EXPECT_EQ(e.samples, 300);
  EXPECT_GT(e.accuracy, 0.9);
  const Tensor logits = model.predict(test.images);
  ASSERT_EQ(logits.shape(), (Shape{300, 3}));
  int64_t right = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const float* row = logits.data<float>() + 3 * i;
    right += std::max_element(row, row + 3) - row == test.labels.data<int64_t>()[i];
  }
  EXPECT_EQ(e.accuracy, static_cast<double>(right) / 300);
  EXPECT_EQ(model.sample_shape(), (Shape{1, 8, 8}));
  EXPECT_EQ(model.class_names(), test.class_names);
  EXPECT_EQ(model.parameters(), 4 * 9 + 4 + 2 * 4 + 4 * 16 * 3 + 3);
}

// The crop is found to be too large by the loader: late, when the graph and its normalisation,
// which follows from the brighter data, are made.
TEST(Model, AFitThatIsRefusedLateChangesNothing) {
  const FitOptions refused = {.batch = 32, .augment = {.crop_pad = 30}};
  data::Dataset brighter = synthetic_images(200);
  for (int64_t i = 0; i < brighter.images.elements(); ++i)
    brighter.images.data<uint8_t>()[i] =
        static_cast<uint8_t>(brighter.images.data<uint8_t>()[i] + 50);
  brighter.class_names = {"a", "b", "c"};
  const auto fit = [&](Model& model) {
    expect_error(ErrorKind::InvalidInput, {"crop_pad 30"}, [&] { model.fit(brighter, refused); });
  };

  Model fresh = convnet();
  fresh.compile(classifier());
  fit(fresh);
  EXPECT_TRUE(fresh.states().empty());
  EXPECT_EQ(fresh.sample_shape().rank(), 0);
  EXPECT_TRUE(fresh.class_names().empty());

  Model trained = trained_convnet();
  Model untouched = trained_convnet();
  fit(trained);
  expect_same_answers(trained, untouched, synthetic_images(50, 1));
  EXPECT_EQ(trained.class_names(), untouched.class_names());
  EXPECT_EQ(trained.states().size(), untouched.states().size());
  trained.fit(synthetic_images(200), {.batch = 32});
  untouched.fit(synthetic_images(200), {.batch = 32});
  expect_same_answers(trained, untouched, synthetic_images(50, 1));
}

TEST(Model, LoadedAnswersAsSaved) {
  const TempFolder folder;
  const std::string file = folder.file("model.onnx");
  Model saved = trained_convnet();
  saved.save(file);
  Model loaded = Model::load(file);
  EXPECT_EQ(loaded.name(), saved.name());
  EXPECT_EQ(loaded.class_names(), saved.class_names());
  EXPECT_EQ(loaded.sample_shape(), saved.sample_shape());
  EXPECT_EQ(loaded.parameters(), saved.parameters());
  expect_same_answers(saved, loaded, synthetic_images(300, 1));

  const std::string again = folder.file("again.onnx");
  loaded.save(again);
  Model reloaded = Model::load(again);
  expect_same_answers(saved, reloaded, synthetic_images(300, 1));
}

TEST(Model, LoadedTrainsOn) {
  const TempFolder folder;
  const std::string file = folder.file("model.onnx");
  Model saved = convnet();
  saved.compile(classifier());
  saved.fit(synthetic_images(200), {.epochs = 1, .batch = 32});
  saved.save(file);
  Model loaded = Model::load(file);
  loaded.compile(classifier());
  const data::Dataset test = synthetic_images(100, 1);
  const double before = loaded.evaluate(test).loss;
  loaded.fit(synthetic_images(200), {.epochs = 3, .batch = 32});
  EXPECT_LT(loaded.evaluate(test).loss, before);
}

TEST(Model, ASampleDoesNotDependOnItsBatch) {
  Model model = trained_convnet();
  const data::Dataset test = synthetic_images(300, 1);
  const Tensor all = model.predict(test.images);
  for (int64_t i : {0, 1, 100, 255, 256, 299})
    EXPECT_TRUE(model.predict(test.images.rows(i, i + 1)).same_bits(all.rows(i, i + 1))) << i;
  EXPECT_TRUE(model.predict(test.images.rows(7, 70)).same_bits(all.rows(7, 70)));
}

TEST(Model, PixelsMayBeFloats) {
  Model model = trained_convnet();
  const Tensor images = synthetic_images(20, 1).images;
  EXPECT_TRUE(model.predict(images.cast(DType::f32)).same_bits(model.predict(images)));
}

TEST(Model, LearnsARegression) {
  const TempFolder folder;
  const std::string file = folder.file("model.onnx");
  const data::Dataset data = linear_data(256);
  Model model = sequential({dense(1)});
  model.compile({.optimizer = adam({.lr = 0.05}), .loss = mean_squared_error(), .seed = 1});
  const History history = model.fit(data, {.epochs = 60, .batch = 32, .validation = data});
  EXPECT_LT(history.epochs.back().loss, 1e-3);
  EXPECT_TRUE(std::isnan(history.epochs.back().accuracy));
  EXPECT_TRUE(std::isnan(history.epochs.back().validation_accuracy));
  const float* weight = model.states().at("dense1.weight").data<float>();
  EXPECT_NEAR(weight[0], 2, 0.05);
  EXPECT_NEAR(weight[1], -1, 0.05);

  model.save(file);
  Model loaded = Model::load(file);
  loaded.compile({.loss = mean_squared_error()});
  expect_same_answers(model, loaded, data);
}

TEST(Model, StartsTheOptimiserAnewWhenCompiledAgain) {
  Model model = trained_convnet();
  const Tensor before = model.states().at("dense1.weight").clone();
  model.compile(classifier());
  EXPECT_TRUE(model.states().at("dense1.weight").same_bits(before));
  for (const auto& [name, tensor] : model.states()) {
    EXPECT_FALSE(name.starts_with("optimizer/")) << name;
    EXPECT_FALSE(name.starts_with("train/")) << name;
  }
  model.fit(synthetic_images(200), {.epochs = 1, .batch = 32});
  EXPECT_EQ(model.states().at("train/step").data<int64_t>()[0], 7);
}

TEST(Model, SaysThatItIsNotBuilt) {
  Model model = convnet();
  model.compile(classifier());
  const data::Dataset data = synthetic_images(10);
  const std::vector<std::string> parts = {"model 'tiny' is not built"};
  expect_error(ErrorKind::InvalidInput, parts, [&] { model.evaluate(data); });
  expect_error(ErrorKind::InvalidInput, parts, [&] { model.predict(data.images); });
  expect_error(ErrorKind::InvalidInput, parts, [&] { model.save("/nowhere/model.onnx"); });
  expect_error(ErrorKind::InvalidInput, parts, [&] { model.parameters(); });
  expect_error(ErrorKind::InvalidInput, parts, [&] { model.summary(); });
  model.build({1, 8, 8});
  EXPECT_EQ(model.predict(data.images).shape(), (Shape{10, 3}));
}

TEST(Model, RefusesDataThatDoesNotFit) {
  Model model = trained_convnet();
  data::Dataset other = synthetic_images(64);
  other.images = other.images.reshaped({64, 1, 4, 16});
  expect_error(ErrorKind::InvalidInput, {"'tiny'", "[1,8,8]", "'synthetic' has [1,4,16]"},
               [&] { model.fit(other, {.batch = 32}); });
  expect_error(ErrorKind::InvalidInput, {"'tiny'", "[1,8,8]", "[1,4,16]"},
               [&] { model.evaluate(other); });
  expect_error(ErrorKind::InvalidInput, {"'tiny'", "[1,8,8]", "[1,4,16]"},
               [&] { model.predict(other.images); });
  expect_error(ErrorKind::InvalidInput, {"'tiny'", "[1,8,8]", "'synthetic' has [1,4,16]"},
               [&] { model.fit(synthetic_images(64), {.batch = 32, .validation = other}); });
  expect_error(ErrorKind::InvalidInput, {"'tiny'", "[1,8,8]", "[1,9,9]"}, [&] {
    model.build({1, 9, 9});
  });
  data::Dataset empty;
  empty.name = "void";
  expect_error(ErrorKind::InvalidInput, {"'void' is empty"}, [&] { model.fit(empty); });
  expect_error(ErrorKind::InvalidInput, {"'void' is empty"}, [&] { model.evaluate(empty); });
  expect_error(ErrorKind::InvalidInput, {"samples"}, [&] { model.predict(Tensor()); });
}

// [1, 8, 8] and [1, 4, 16] have the same elements: only the shape tells them apart.
TEST(Model, RefusesOtherShapesOfAsManyElements) {
  Model model = sequential({flatten(), dense(3)}, "flat");
  model.build({1, 8, 8});
  const Tensor images = synthetic_images(4).images.reshaped({4, 1, 4, 16});
  expect_error(ErrorKind::InvalidInput, {"'flat'", "[1,8,8]", "[1,4,16]"},
               [&] { model.predict(images); });
}

TEST(Model, PredictsNothingForNoSamples) {
  Model model = trained_convnet();
  EXPECT_EQ(model.predict(Tensor(DType::u8, {0, 1, 8, 8})).shape(), (Shape{0, 3}));
}

TEST(Model, AFitThatIsRefusedChangesNothing) {
  Model model = trained_convnet();
  const data::Dataset test = synthetic_images(50, 1);
  const Tensor before = model.predict(test.images);
  EXPECT_THROW(model.fit(synthetic_images(20, 9), {.batch = 32}), Error);
  data::Dataset other = synthetic_images(20);
  other.images = other.images.reshaped({20, 1, 4, 16});
  EXPECT_THROW(model.fit(synthetic_images(64, 9), {.batch = 32, .validation = other}), Error);
  EXPECT_TRUE(model.predict(test.images).same_bits(before));
}

TEST(Model, WeightsGoToAnotherModelByAFile) {
  const TempFolder folder;
  const Model trained = trained_convnet();
  for (const char* name : {"w.npz", "w.safetensors"}) {
    const std::string path = folder.file(name);
    trained.save_weights(path);
    Model other = convnet();
    other.build({1, 8, 8});
    other.load_weights(path);
    for (const auto& [state, value] : other.states())
      EXPECT_TRUE(value.same_bits(trained.states().at(state))) << state;
    Model dense_only = sequential({flatten(), dense(2)});
    dense_only.build({1, 8, 8});
    EXPECT_THROW(dense_only.load_weights(path), Error);
  }
}

TEST(Model, LoadedWeightsAreCopiedToWhereTheOthersWere) {
  const TempFolder folder;
  const Model trained = trained_convnet();
  trained.save_weights(folder.file("w.npz"));
  Model other = convnet();
  other.build({1, 8, 8});
  const Tensor taken = other.states().at("dense1.weight");
  other.load_weights(folder.file("w.npz"));
  EXPECT_TRUE(taken.same_bits(trained.states().at("dense1.weight")));
  EXPECT_EQ(taken.raw(), other.states().at("dense1.weight").raw());
}

TEST(Model, SummaryListsLayersWithTheirParameters) {
  Model model = sequential({conv2d(4, 3, relu), flatten(), dense(2)});
  model.build({1, 6, 6});
  const std::vector<LayerSummary> rows = model.summary();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "conv1");
  EXPECT_EQ(rows[0].op, "conv2d");
  EXPECT_EQ(rows[0].output, (Shape{kBatch, 4, 4, 4}));
  EXPECT_EQ(rows[0].parameters, 40);
  EXPECT_EQ(rows[1].parameters, 0);
  EXPECT_EQ(rows[2].parameters, 64 * 2 + 2);
  EXPECT_EQ(model.output_shape(), (Shape{kBatch, 2}));
}

// A model whose input has a shape starts from compile's seed, too.
TEST(Model, TheSeedOfCompileIsTheSeedOfTheWeights) {
  const auto weights = [](uint64_t seed, bool functional) {
    Model model = functional ? Model(dense(2)(flatten()(input({1, 6, 6}))))
                             : sequential({flatten(), dense(2)});
    model.compile({.seed = seed});
    model.build({1, 6, 6});
    return model.states().at("dense1.weight");
  };
  for (bool functional : {false, true}) {
    EXPECT_TRUE(weights(1, functional).same_bits(weights(1, !functional)));
    EXPECT_FALSE(weights(1, functional).same_bits(weights(2, functional)));
  }
}

}  // namespace
}  // namespace hone

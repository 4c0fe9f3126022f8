// The zoo's deep networks in use: they learn, and their files give the same bits.
#include <gtest/gtest.h>
#include <hone/hone.h>

#include "base/test_support.h"
#include "nn/zoo/zoo.h"
#include "train/synthetic.h"

namespace hone {
namespace {

struct Trial {
  const char* name;
  int steps;
};
class DeepZoo : public testing::TestWithParam<Trial> {};

TEST_P(DeepZoo, LearnsAndReturnsFromItsFile) {
  const data::Dataset data = train::synthetic_images(8);
  Model model(nn::zoo_entry(GetParam().name).of(data.classes()), GetParam().name);
  model.compile({.optimizer = adam({.lr = 2e-3}), .seed = 1, .threads = 2});
  std::vector<double> losses;
  model.fit(data, {.epochs = GetParam().steps, .batch = 8, .on_progress = [&](const Progress& p) {
                     losses.push_back(p.step_loss);
                   }});
  EXPECT_LT(losses.back(), 0.8 * losses.front());

  const test::TempFolder folder;
  model.save(folder.file("m.onnx"));
  Model loaded = Model::load(folder.file("m.onnx"));
  EXPECT_TRUE(loaded.predict(data.images).same_bits(model.predict(data.images)));
  EXPECT_EQ(loaded.parameters(), model.parameters());
}

INSTANTIATE_TEST_SUITE_P(All, DeepZoo,
                         testing::Values(Trial{"resnet20", 4}, Trial{"resnet18", 3},
                                         Trial{"mobilenetv2", 12}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace hone

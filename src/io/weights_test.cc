// Weights by their file's name, and what is said of those that do not fit.
#include "io/weights.h"

#include <gtest/gtest.h>

#include "base/test_support.h"

namespace hone::io {
namespace {

using test::error_of;
using test::TempFolder;

TEST(Weights, TheNameDecidesTheFormat) {
  const TempFolder folder;
  const Weights weights = {{"a", Tensor::scalar(2)}, {"b", Tensor::scalar_i64(3)}};
  for (const char* name : {"w.npz", "w.safetensors"}) {
    save_weights(folder.file(name), weights);
    const Weights read = load_weights(folder.file(name));
    ASSERT_EQ(read.size(), 2U);
    EXPECT_TRUE(read.at("a").same_bits(weights.at("a")));
    EXPECT_TRUE(read.at("b").same_bits(weights.at("b")));
  }
  for (const auto& run : {+[] { save_weights("w.pt", {}); }, +[] { load_weights("w.pt"); }})
    EXPECT_EQ(error_of(ErrorKind::Unsupported, run),
              "'w.pt': expected a .safetensors or .npz file, found '.pt'");
}

TEST(Weights, SaysTheFirstThatDoesNotFitAndHowManyMore) {
  const Weights model = {{"a", Tensor::scalar(1)}, {"b", Tensor(DType::f32, {2, 3})}};
  const auto error = [&](const Weights& weights) {
    return error_of(ErrorKind::InvalidInput,
                    [&] { require_same_weights(weights, "w.npz", model, "cnn"); });
  };
  EXPECT_NO_THROW(require_same_weights(model, "w.npz", model, "cnn"));
  EXPECT_EQ(error({{"a", Tensor::scalar(1)}, {"b", Tensor(DType::f32, {3, 2})}}),
            "weights 'w.npz' do not fit model 'cnn': 'b': expected f32[2,3], found f32[3,2]");
  EXPECT_EQ(error({{"a", Tensor::scalar(1)}}),
            "weights 'w.npz' do not fit model 'cnn': 'b': expected f32[2,3], found none");
  EXPECT_EQ(error({{"A", Tensor::scalar(1)}}),
            "weights 'w.npz' do not fit model 'cnn': 'A': expected none, found f32[] (and 2 more)");
}

}  // namespace
}  // namespace hone::io

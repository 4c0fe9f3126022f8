// Checks, names and splits.
#include "data/labelled.h"

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "data/split.h"

namespace hone::data {
namespace {

constexpr int64_t kMostClasses = 1'000'000;  // each has a name

Shape sample_of(const Dataset& data) {
  const std::vector<int64_t>& dims = data.images.shape().dims();
  return Shape(std::vector<int64_t>(dims.begin() + 1, dims.end()));
}

}  // namespace

Tensor as_images(const Tensor& array, const std::string& where) {
  const Shape& shape = array.shape();
  require(shape.rank() == 3 || shape.rank() == 4, "{}: expected images of rank 3 or 4, found {}",
          where, shape);
  require(array.dtype() == DType::u8 || array.dtype() == DType::f32,
          "{}: expected images of u8 or f32, found {}", where, array.type());
  require(shape[0] > 0, "{}: expected at least one image, found {}", where, shape);
  return shape.rank() == 4 ? array : array.reshaped({shape[0], 1, shape[1], shape[2]});
}

std::vector<std::string> numbered_classes(const Tensor& labels, const std::string& name) {
  std::vector<std::string> out;
  require(labels.elements() > 0, "'{}': expected at least one training label, found none", name);
  const int64_t* first = labels.data<int64_t>();
  const int64_t largest = *std::max_element(first, first + labels.elements());
  require(largest < kMostClasses, "'{}': expected labels below {}, found {}", name, kMostClasses,
          largest);
  for (int64_t c = 0; c <= largest; ++c) out.push_back(std::to_string(c));
  return out;
}

Splits as_splits(Dataset train, Dataset test, const std::string& name,
                 std::vector<std::string> class_names, double validation, uint64_t seed) {
  if (class_names.empty()) class_names = numbered_classes(train.labels, name);
  train.class_names = test.class_names = std::move(class_names);
  train.check();
  if (test.size() == 0) {
    auto [kept, held] = hold_out_test(std::move(train));
    train = std::move(kept);
    test = std::move(held);
  }
  test.check();
  require(train.images.dtype() == test.images.dtype() && sample_of(train) == sample_of(test),
          "'{}': training images are {}, test images {}", name, train.images.type(),
          test.images.type());
  train.name = name + " train";
  test.name = name + " test";
  Splits out;
  out.test = std::move(test);
  std::tie(out.train, out.validation) = split_in_place(std::move(train), validation, seed);
  out.validation.name = name + " validation";
  return out;
}

}  // namespace hone::data

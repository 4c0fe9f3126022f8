// What a data set must be, and holding a part of it out.
#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"

namespace hone::data {
namespace {

// Which rows are held out: of every class a share, chosen by a shuffle of its rows. Without
// classes, all rows are one.
std::vector<bool> held_out_rows(const Dataset& dataset, double fraction, uint64_t seed) {
  const bool classes = dataset.labels.dtype() == DType::i64;
  std::vector<std::vector<int64_t>> of_class(classes ? static_cast<size_t>(dataset.classes())
                                                     : size_t{1});
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const int64_t c = classes ? dataset.labels.data<int64_t>()[i] : 0;
    of_class[static_cast<size_t>(c)].push_back(i);
  }
  std::vector<bool> held(static_cast<size_t>(dataset.size()), false);
  for (size_t c = 0; c < of_class.size(); ++c) {
    std::vector<int64_t>& rows = of_class[c];
    const uint64_t key = mix(mix(seed, key_of("split")), c);
    const auto share =
        static_cast<size_t>(std::lround(fraction * static_cast<double>(rows.size())));
    for (size_t i = 0; i < share; ++i) {
      std::swap(rows[i], rows[i + uniform_below(key, i, rows.size() - i)]);
      held[static_cast<size_t>(rows[i])] = true;
    }
  }
  return held;
}

// Moves the rows that are held out behind the others; both keep their order. Only those held out
// are copied twice.
void partition_rows(Tensor& tensor, const std::vector<bool>& held) {
  const auto rows = static_cast<int64_t>(held.size());
  const auto row_bytes = static_cast<size_t>(tensor.bytes() / rows);
  std::vector<std::byte> aside;
  std::byte* to = tensor.raw();
  for (int64_t i = 0; i < rows; ++i) {
    const std::byte* row = tensor.raw() + static_cast<size_t>(i) * row_bytes;
    if (held[static_cast<size_t>(i)]) {
      aside.insert(aside.end(), row, row + row_bytes);
    } else {
      std::memmove(to, row, row_bytes);
      to += row_bytes;
    }
  }
  std::copy(aside.begin(), aside.end(), to);
}

Dataset rows_of(const Dataset& dataset, int64_t begin, int64_t end, const std::string& suffix) {
  return {dataset.images.rows(begin, end), dataset.labels.rows(begin, end), dataset.class_names,
          dataset.name + suffix};
}

}  // namespace

void Dataset::check() const {
  require(images.defined() && images.shape().rank() >= 2 &&
              (images.dtype() == DType::u8 || images.dtype() == DType::f32),
          "data set '{}': expected images u8 or f32 [count,C,H,W], found {}", name,
          images.defined() ? images.type().to_string() : "none");
  require(labels.defined() && labels.shape().rank() >= 1 &&
              (labels.dtype() == DType::f32 ||
               (labels.dtype() == DType::i64 && labels.shape().rank() == 1)),
          "data set '{}': expected labels i64[count] or targets f32[count,...], found {}", name,
          labels.defined() ? labels.type().to_string() : "none");
  require(size() == labels.shape()[0],
          "data set '{}': expected a label for each image, found {} "
          "images and {} labels",
          name, size(), labels.shape()[0]);
  require(size() > 0, "data set '{}' is empty: expected at least one image", name);
  if (labels.dtype() != DType::i64) return;
  const int64_t* label = labels.data<int64_t>();
  for (int64_t i = 0; i < size(); ++i)
    require(label[i] >= 0 && label[i] < classes(),
            "data set '{}': expected labels in [0, {}), found {} at image {}", name, classes(),
            label[i], i);
}

std::pair<Dataset, Dataset> split_in_place(Dataset dataset, double fraction, uint64_t seed) {
  require(fraction >= 0 && fraction < 1, "expected to hold out a fraction in [0, 1), found {}",
          fraction);
  dataset.check();
  const std::vector<bool> held = held_out_rows(dataset, fraction, seed);
  const int64_t kept = std::count(held.begin(), held.end(), false);
  partition_rows(dataset.images, held);
  partition_rows(dataset.labels, held);
  return {rows_of(dataset, 0, kept, ""), rows_of(dataset, kept, dataset.size(), " (held out)")};
}

std::pair<Dataset, Dataset> hold_out_test(Dataset dataset) {
  return split_in_place(std::move(dataset), 0.2, 0);
}

std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, uint64_t seed) {
  Dataset copy = dataset;
  copy.images = dataset.images.clone();
  copy.labels = dataset.labels.clone();
  return split_in_place(std::move(copy), fraction, seed);
}

}  // namespace hone::data

// Arrays by their names.
#include "data/npz_file.h"

#include <cstring>
#include <initializer_list>

#include "base/error.h"
#include "data/labelled.h"
#include "io/npz.h"

namespace hone::data {
namespace {

using Arrays = std::map<std::string, Tensor>;
using Names = std::initializer_list<const char*>;

constexpr Names kImages = {"x_train", "x", "images"};
constexpr Names kLabels = {"y_train", "y", "labels"};
constexpr Names kTestImages = {"x_test"};
constexpr Names kTestLabels = {"y_test"};

std::string listed(const Arrays& arrays) {
  std::string out;
  for (const auto& [name, array] : arrays)
    out += fmt::format("{}'{}' {}", out.empty() ? "" : ", ", name, array.type());
  return out.empty() ? "none" : out;
}

std::string listed(Names names) { return fmt::format("'{}'", fmt::join(names, "' or '")); }

Arrays::const_iterator find(const Arrays& arrays, Names names) {
  for (const char* name : names)
    if (const auto at = arrays.find(name); at != arrays.end()) return at;
  return arrays.end();
}

// [count, H, W, C] as [count, C, H, W].
template <class T>
Tensor channels_first(const Tensor& images) {
  const Shape& s = images.shape();
  Tensor out(images.dtype(), {s[0], s[3], s[1], s[2]});
  const int64_t plane = s[1] * s[2];
  const T* from = images.data<T>();
  T* to = out.data<T>();
  for (int64_t n = 0; n < s[0]; ++n, from += plane * s[3], to += plane * s[3])
    for (int64_t i = 0; i < plane; ++i)
      for (int64_t c = 0; c < s[3]; ++c) to[c * plane + i] = from[i * s[3] + c];
  return out;
}

bool is_colour(int64_t channels) { return channels == 1 || channels == 3; }

// NumPy's floats are f64 unless somebody asks for others, and its images have the channels last.
Tensor images_of(const Tensor& array, const std::string& where) {
  Tensor images = as_images(array.dtype() == DType::f64 ? array.cast(DType::f32) : array, where);
  const Shape& s = images.shape();
  if (is_colour(s[1]) || !is_colour(s[3])) return images;
  return images.dtype() == DType::u8 ? channels_first<uint8_t>(images)
                                     : channels_first<float>(images);
}

// [count], or [count, 1] as some of Keras' are.
Tensor labels_of(const Tensor& array, const std::string& where) {
  const Shape& s = array.shape();
  const bool is_list = s.rank() == 1 || (s.rank() == 2 && s[1] == 1);
  const bool are_integers = array.dtype() != DType::boolean && array.dtype() != DType::f32 &&
                            array.dtype() != DType::f64 && array.dtype() != DType::f16;
  require(is_list && are_integers, "{}: expected labels of integers [count], found {}", where,
          array.type());
  return array.cast(DType::i64).reshaped({s[0]});
}

Dataset pair_of(const Arrays& arrays, Names image_names, Names label_names,
                const std::string& name) {
  const auto images = find(arrays, image_names);
  const auto labels = find(arrays, label_names);
  const auto required = [&](bool found, Names names) {
    if (!found)
      fail(ErrorKind::InvalidInput, "'{}': expected an array {}, found {}", name, listed(names),
           listed(arrays));
  };
  required(images != arrays.end(), image_names);
  required(labels != arrays.end(), label_names);
  const auto where = [&](const auto& at) {
    return fmt::format("'{}': array '{}'", name, at->first);
  };
  Dataset out;
  out.name = name;
  out.images = images_of(images->second, where(images));
  out.labels = labels_of(labels->second, where(labels));
  require(out.size() == out.labels.elements(), "{} has {} images, '{}' {} labels", where(images),
          out.size(), labels->first, out.labels.elements());
  return out;
}

bool has_test(const Arrays& arrays) {
  return find(arrays, kTestImages) != arrays.end() || find(arrays, kTestLabels) != arrays.end();
}

}  // namespace

Splits read_npz_splits(const std::string& path, const std::string& name,
                       const LoadOptions& options) {
  const Arrays arrays = io::load_npz(path);
  Dataset train = pair_of(arrays, kImages, kLabels, name);
  Dataset test = has_test(arrays) ? pair_of(arrays, kTestImages, kTestLabels, name) : Dataset();
  return as_splits(std::move(train), std::move(test), name, {}, options.validation, options.seed);
}

Dataset read_npz_test(const std::string& path, const std::string& name) {
  const Arrays arrays = io::load_npz(path);
  Dataset train = pair_of(arrays, kImages, kLabels, name);
  Dataset test = has_test(arrays) ? pair_of(arrays, kTestImages, kTestLabels, name) : train;
  test.class_names = numbered_classes(train.labels, name);
  test.name = name + " test";
  test.check();
  return test;
}

}  // namespace hone::data

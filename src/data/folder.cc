// Folders of IDX files, and where Fashion-MNIST is.
#include <hone/data.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "data/image_folder.h"
#include "data/split.h"

namespace hone::data {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFashionMnist = "fashion-mnist";
constexpr std::string_view kFashionMnistHint =
    ": install Debian's package dataset-fashion-mnist, or set HONE_DATA_DIR";

// The file in `folder` whose name begins with `stem`; of a plain and a gzip one, the plain. `hint`
// ends the error where there is none.
std::string file_of(const fs::path& folder, std::string_view stem, std::string_view hint) {
  std::string best;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(stem) && (best.empty() || name < best)) best = name;
  }
  if (best.empty())
    fail(ErrorKind::Io, "no file '{}-*' (IDX, gzip or plain) in '{}'{}{}", stem, folder.string(),
         error ? ": " + error.message() : "", hint);
  return (folder / best).string();
}

/// i64 [count]
Tensor read_labels(const std::string& path) {
  const Tensor labels = read_idx(path);
  require(
      labels.shape().rank() == 1 && (labels.dtype() == DType::u8 || labels.dtype() == DType::i32),
      "'{}': expected labels u8 or i32 [count], found {}", path, labels.type().to_string());
  return labels.cast(DType::i64);
}

Dataset read_pair(const fs::path& folder, const std::string& stem, std::string_view hint) {
  const std::string images_path = file_of(folder, stem + "-images", hint);
  const std::string labels_path = file_of(folder, stem + "-labels", hint);
  Dataset out;
  out.images = read_idx(images_path);
  out.labels = read_labels(labels_path);
  const Shape& shape = out.images.shape();
  require(shape.rank() == 3 || shape.rank() == 4, "'{}': expected images of rank 3 or 4, found {}",
          images_path, shape.to_string());
  require(out.images.dtype() == DType::u8 || out.images.dtype() == DType::f32,
          "'{}': expected images of u8 or f32, found {}", images_path,
          out.images.type().to_string());
  require(out.labels.elements() == shape[0], "'{}' has {} images, '{}' has {} labels", images_path,
          shape[0], labels_path, out.labels.elements());
  require(shape[0] > 0, "'{}': expected at least one image, found {}", images_path,
          shape.to_string());
  if (shape.rank() == 3) out.images = out.images.reshaped({shape[0], 1, shape[1], shape[2]});
  out.name = labels_path;
  return out;
}

/// Names for 0 to the largest label.
std::vector<std::string> numbered_classes(const Tensor& labels) {
  std::vector<std::string> out;
  const int64_t* first = labels.data<int64_t>();
  const int64_t largest = *std::max_element(first, first + labels.elements());
  for (int64_t c = 0; c <= largest; ++c) out.push_back(std::to_string(c));
  return out;
}

/// Reads a folder. Without `class_names` the classes are 0 to the largest training label.
Splits read_folder(const fs::path& folder, const std::string& name,
                   std::vector<std::string> class_names, double validation, uint64_t seed,
                   std::string_view hint = "") {
  Dataset train = read_pair(folder, "train", hint);
  Dataset test = read_pair(folder, "t10k", hint);
  const Shape &a = train.images.shape(), &b = test.images.shape();
  require(
      train.images.dtype() == test.images.dtype() && a[1] == b[1] && a[2] == b[2] && a[3] == b[3],
      "'{}': training images are {}, test images {}", folder.string(),
      train.images.type().to_string(), test.images.type().to_string());
  if (class_names.empty()) class_names = numbered_classes(train.labels);
  train.class_names = test.class_names = std::move(class_names);
  train.check();
  test.check();
  train.name = name + " train";
  test.name = name + " test";
  Splits out;
  out.test = std::move(test);
  std::tie(out.train, out.validation) = split_in_place(std::move(train), validation, seed);
  out.validation.name = name + " validation";
  return out;
}

/// The test part alone, with its classes.
Dataset read_folder_test(const fs::path& folder, const std::string& name,
                         std::vector<std::string> class_names, std::string_view hint = "") {
  Dataset test = read_pair(folder, "t10k", hint);
  if (class_names.empty()) {
    const Tensor labels = read_labels(file_of(folder, "train-labels", hint));
    require(labels.elements() > 0, "'{}': expected at least one training label, found none",
            folder.string());
    class_names = numbered_classes(labels);
  }
  test.class_names = std::move(class_names);
  test.check();
  test.name = name + " test";
  return test;
}

std::vector<std::string> clothes() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

fs::path fashion_mnist_folder(const std::string& path) {
  if (!path.empty()) return path;
  const char* root = std::getenv("HONE_DATA_DIR");
  if (root == nullptr || *root == '\0') return "/usr/share/datasets/fashion-mnist";
  std::error_code error;
  const fs::path inside = fs::path(root) / kFashionMnist;
  return fs::is_directory(inside, error) ? inside : fs::path(root);
}

/// What errors call a data set that is a folder.
std::string folder_name(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    fail(ErrorKind::Io,
         "no data set '{}': expected '{}', or a folder of IDX files or of class folders with "
         "pictures",
         path, kFashionMnist);
  return fs::path(path).lexically_normal().string();
}

bool has_idx(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!it->is_directory() && (name.starts_with("train-") || name.starts_with("t10k-")))
      return true;
  }
  return false;
}

}  // namespace

Splits fashion_mnist(const LoadOptions& options) {
  return read_folder(fashion_mnist_folder(options.path), std::string(kFashionMnist), clothes(),
                     options.validation, options.seed, kFashionMnistHint);
}

Splits load(const std::string& path_or_name, const LoadOptions& options) {
  if (path_or_name == kFashionMnist) return fashion_mnist({options.validation, options.seed});
  const std::string name = folder_name(path_or_name);
  if (!has_idx(path_or_name) && is_image_folder(path_or_name))
    return read_image_splits(path_or_name, name, options);
  return read_folder(path_or_name, name, {}, options.validation, options.seed);
}

Dataset load_test(const std::string& path_or_name, const LoadOptions& options) {
  if (path_or_name == kFashionMnist)
    return read_folder_test(fashion_mnist_folder(""), path_or_name, clothes(), kFashionMnistHint);
  const std::string name = folder_name(path_or_name);
  if (!has_idx(path_or_name) && is_image_folder(path_or_name))
    return read_image_test(path_or_name, name, options);
  return read_folder_test(path_or_name, name, {});
}

}  // namespace hone::data

// Data sets by their names and paths: folders of IDX files, and where Fashion-MNIST is; for other
// kinds the way to their readers.
#include <hone/data.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "data/image_folder.h"
#include "data/labelled.h"
#include "data/npz_file.h"

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
      "'{}': expected labels u8 or i32 [count], found {}", path, labels.type());
  return labels.cast(DType::i64);
}

Dataset read_pair(const fs::path& folder, const std::string& stem, std::string_view hint) {
  const std::string images_path = file_of(folder, stem + "-images", hint);
  const std::string labels_path = file_of(folder, stem + "-labels", hint);
  Dataset out;
  out.images = as_images(read_idx(images_path), fmt::format("'{}'", images_path));
  out.labels = read_labels(labels_path);
  require(out.labels.elements() == out.images.shape()[0], "'{}' has {} images, '{}' has {} labels",
          images_path, out.images.shape()[0], labels_path, out.labels.elements());
  out.name = labels_path;
  return out;
}

/// Without `class_names` the classes are 0 to the largest training label.
Splits read_idx_splits(const fs::path& folder, const std::string& name,
                       std::vector<std::string> class_names, const LoadOptions& options,
                       std::string_view hint = "") {
  Dataset train = read_pair(folder, "train", hint);
  Dataset test = read_pair(folder, "t10k", hint);
  return as_splits(std::move(train), std::move(test), name, std::move(class_names),
                   options.validation, options.seed);
}

/// The test part alone, with its classes.
Dataset read_idx_test(const fs::path& folder, const std::string& name,
                      std::vector<std::string> class_names, std::string_view hint = "") {
  Dataset test = read_pair(folder, "t10k", hint);
  if (class_names.empty())
    class_names = numbered_classes(read_labels(file_of(folder, "train-labels", hint)), name);
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

/// What a data set is: one of the names that `load` takes, or what lies at a path.
enum class Kind { fashion_mnist, npz, pictures, idx };

bool has_idx(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!it->is_directory() && (name.starts_with("train-") || name.starts_with("t10k-")))
      return true;
  }
  return false;
}

Kind kind_of(const std::string& path_or_name) {
  if (path_or_name == kFashionMnist) return Kind::fashion_mnist;
  if (path_or_name.ends_with(".npz")) return Kind::npz;
  std::error_code error;
  if (!fs::is_directory(path_or_name, error))
    fail(ErrorKind::Io,
         "no data set '{}': expected '{}', an .npz file, or a folder of IDX files or of class "
         "folders with pictures",
         path_or_name, kFashionMnist);
  return !has_idx(path_or_name) && is_image_folder(path_or_name) ? Kind::pictures : Kind::idx;
}

}  // namespace

Splits fashion_mnist(const LoadOptions& options) {
  return read_idx_splits(fashion_mnist_folder(options.path), std::string(kFashionMnist), clothes(),
                         options, kFashionMnistHint);
}

Splits load(const std::string& path_or_name, const LoadOptions& options) {
  const std::string name = fs::path(path_or_name).lexically_normal().string();
  const Kind kind = kind_of(path_or_name);
  require(options.resize.empty() || kind == Kind::pictures,
          "data set '{}' cannot be resized: expected a folder of pictures", name);
  switch (kind) {
    case Kind::fashion_mnist:
      return fashion_mnist({options.validation, options.seed});
    case Kind::npz:
      return read_npz_splits(path_or_name, name, options);
    case Kind::pictures:
      return read_image_splits(path_or_name, name, options);
    case Kind::idx:
      break;
  }
  return read_idx_splits(path_or_name, name, {}, options);
}

Dataset load_test(const std::string& path_or_name, const LoadOptions& options) {
  const std::string name = fs::path(path_or_name).lexically_normal().string();
  switch (kind_of(path_or_name)) {
    case Kind::fashion_mnist:
      return read_idx_test(fashion_mnist_folder(""), name, clothes(), kFashionMnistHint);
    case Kind::npz:
      return read_npz_test(path_or_name, name);
    case Kind::pictures:
      return read_image_test(path_or_name, name, options);
    case Kind::idx:
      break;
  }
  return read_idx_test(path_or_name, name, {});
}

}  // namespace hone::data

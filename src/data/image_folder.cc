// The list of files first, sorted, so that the data set does not depend on the disk's order; then
// the pictures.
#include "data/image_folder.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "data/image.h"
#include "data/resize.h"
#include "data/split.h"

namespace hone::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> sorted_entries(const fs::path& folder, bool folders) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(".")) continue;
    if (it->is_directory() == folders && (folders || is_image_name(name))) out.push_back(name);
  }
  if (error) fail(ErrorKind::Io, "cannot read '{}': {}", folder.string(), error.message());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> classes_in(const fs::path& folder) {
  std::vector<std::string> out = sorted_entries(folder, true);
  require(!out.empty(), "'{}': expected a folder for each class, found none", folder.string());
  return out;
}

struct File {
  std::string path;
  int64_t label;
};

std::vector<File> files_in(const fs::path& folder, const std::vector<std::string>& classes) {
  std::vector<File> out;
  for (const std::string& name : classes_in(folder)) {
    const auto at = std::find(classes.begin(), classes.end(), name);
    require(at != classes.end(), "'{}': class '{}' has no training pictures", folder.string(),
            name);
    for (const std::string& file : sorted_entries(folder / name, false))
      out.push_back({(folder / name / file).string(), at - classes.begin()});
  }
  require(!out.empty(), "'{}': expected PNG or JPEG pictures in its class folders, found none",
          folder.string());
  return out;
}

Dataset read(const fs::path& folder, const std::vector<std::string>& classes,
             const std::string& name, const LoadOptions& options) {
  const std::vector<File> files = files_in(folder, classes);
  const Resize how = options.resize.empty() ? Resize() : Resize::parse(options.resize);
  const auto count = static_cast<int64_t>(files.size());
  Shape sample = options.sample;
  if (sample.rank() == 0) {
    sample = read_image(files[0].path).shape();
    if (how.kind == Resize::Kind::exact) sample = Shape({sample[0], how.height, how.width});
    if (how.kind == Resize::Kind::shortest) sample = Shape({sample[0], how.height, how.height});
  }
  require(sample.rank() == 3, "'{}': expected a network that takes pictures, found one of {}",
          folder.string(), sample);
  Dataset out;
  out.name = name;
  out.class_names = classes;
  out.images = Tensor(DType::u8, {count, sample[0], sample[1], sample[2]});
  out.labels = Tensor(DType::i64, {count});
  for (int64_t i = 0; i < count; ++i) {
    const File& file = files[static_cast<size_t>(i)];
    const Tensor picture = read_image(file.path);
    try {
      const Tensor fitted = fit_image(with_channels(picture, sample[0]), how, sample[1], sample[2]);
      std::memcpy(out.images.rows(i, i + 1).raw(), fitted.raw(),
                  static_cast<size_t>(fitted.bytes()));
    } catch (const Error& e) {
      fail(e.kind(), "'{}': {}", file.path, e.what());
    }
    out.labels.data<int64_t>()[i] = file.label;
  }
  return out;
}

/// The sub-folder of one of these names, or an empty path.
fs::path part_of(const fs::path& folder, std::initializer_list<const char*> names) {
  std::error_code error;
  for (const char* name : names)
    if (fs::is_directory(folder / name, error)) return folder / name;
  return {};
}

fs::path training_part(const fs::path& folder) { return part_of(folder, {"train", "training"}); }
fs::path validation_part(const fs::path& folder) { return part_of(folder, {"val", "validation"}); }
fs::path test_part(const fs::path& folder) { return part_of(folder, {"test"}); }

}  // namespace

bool is_image_folder(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder, error) && !sorted_entries(folder, true).empty();
}

Splits read_image_splits(const fs::path& folder, const std::string& name,
                         const LoadOptions& options) {
  const fs::path training = training_part(folder);
  const fs::path source = training.empty() ? folder : training;
  const std::vector<std::string> classes = classes_in(source);
  Dataset train = read(source, classes, name + " train", options);
  LoadOptions same = options;  // pictures for the same network
  const std::vector<int64_t>& dims = train.images.shape().dims();
  same.sample = Shape(std::vector<int64_t>(dims.begin() + 1, dims.end()));
  Splits out;
  fs::path validation = validation_part(folder);
  fs::path test = test_part(folder);
  if (test.empty()) test.swap(validation);
  if (training.empty() || test.empty()) {
    auto [kept, held] = hold_out_test(std::move(train));
    train = std::move(kept);
    out.test = std::move(held);
    out.test.name = name + " test";
  } else {
    out.test = read(test, classes, name + " test", same);
  }
  if (!training.empty() && !validation.empty()) {
    out.train = std::move(train);
    out.validation = read(validation, classes, name + " validation", same);
  } else {
    std::tie(out.train, out.validation) =
        split_in_place(std::move(train), options.validation, options.seed);
    out.validation.name = name + " validation";
  }
  return out;
}

Dataset read_image_test(const fs::path& folder, const std::string& name,
                        const LoadOptions& options) {
  const fs::path training = training_part(folder);
  fs::path test = test_part(folder);
  if (test.empty()) test = validation_part(folder);
  if (test.empty() && !training.empty()) return read_image_splits(folder, name, options).test;
  if (test.empty()) test = folder;
  return read(test, classes_in(training.empty() ? test : training), name + " test", options);
}

}  // namespace hone::data

// Data sets: reading them, splitting them, and feeding them to a network in batches that depend on
// nothing but (seed, epoch, batch index).
#pragma once

#include <hone/tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hone {

class ThreadPool;  // the library's own

namespace data {

/// Samples and what they should give, in memory: usually images and their classes. Copying one
/// shares the tensors.
struct Dataset {
  /// u8 or f32 [count, channels, height, width], 0 to 255; or samples of another shape.
  Tensor images = {};
  /// Classes, i64 [count], each in [0, classes()); or f32 [count, ...]: distributions or targets.
  Tensor labels = {};
  std::vector<std::string> class_names = {};  ///< one for each class
  std::string name = {};                      ///< "fashion-mnist train": what errors call it

  /// How many samples there are; 0 where there are no images.
  int64_t size() const { return images.defined() ? images.shape()[0] : 0; }
  /// How many classes have a name.
  int64_t classes() const { return static_cast<int64_t>(class_names.size()); }
  /// Throws InvalidInput unless the tensors are as described above and hold at least one image.
  void check() const;
};

/// What a network is trained, tuned and judged on. `validation` is empty (no images) where it was
/// not asked for.
struct Splits {
  Dataset train, validation, test;  ///< each of the same classes
};

/// How `load` and `load_test` read and split.
struct LoadOptions {
  double validation = 0.1;  ///< the fraction of the training images that is held out, in [0, 1)
  uint64_t seed = 0;        ///< chooses which
  std::string path = {};    ///< a folder that is used instead of the usual ones
  /// Of folders of pictures: the [C,H,W] that each is brought to; empty: that of the first.
  Shape sample = {};
  /// How: "stretch", the shorter side as "256", or height and width as "256x320", of which the
  /// middle is cut out; empty: every picture must have that size. Refused of other data.
  std::string resize = {};
};

/// Fashion-MNIST: 60000 + 10000 images, u8 [count, 1, 28, 28] of 10 classes. Looks in
/// `options.path`, else in $HONE_DATA_DIR/fashion-mnist, else in $HONE_DATA_DIR, else where
/// Debian's package dataset-fashion-mnist puts it. Throws Io if a file is missing (the error names
/// it and the package) or unreadable, InvalidInput if one is damaged.
Splits fashion_mnist(const LoadOptions& options = {});

/// "fashion-mnist"; or an .npz file with arrays `x` (or `images`) and `y` (or `labels`), or
/// `x_train`, `y_train`, `x_test` and `y_test`, as Keras has them: images of u8, f32 or f64,
/// [count, H, W], [count, C, H, W] or, of 1 or 3 channels, [count, H, W, C], and integers that
/// number the classes from 0; other arrays are left out; or a folder:
/// - of IDX files whose names begin with train-images, train-labels, t10k-images and t10k-labels
///   (gzip or plain). Images have rank 3 (grey) or 4 (count, channels, height, width). The classes
///   are 0 to the largest training label.
/// - of pictures, PNG or JPEG, u8 [count, C, H, W]: a folder for each class, or `train`, `test` and
///   `val` that hold such folders (`val` stands for `test` where there is none). The classes are
///   the names of the training folders, sorted.
/// Without data for testing a fifth of each class is held out, always the same. Where there is no
/// validation data of its own, it is split off the training data.
Splits load(const std::string& path_or_name, const LoadOptions& options = {});

/// What a finished network is judged on: the test part of `load`, without reading the rest where
/// that can be; of a folder of class folders alone, or of an .npz file without one, all of it.
Dataset load_test(const std::string& path_or_name, const LoadOptions& options = {});

/// Reads an IDX file, gzip or plain, as a tensor of its type (u8, i32, f32 or f64; Unsupported for
/// i8 and i16). Throws Io if it cannot be opened or read, InvalidInput if it is damaged: a wrong
/// magic number, a checksum that fails, or fewer or more bytes than its dimensions say.
Tensor read_idx(const std::string& path);

/// Holds out `fraction` (in [0, 1)) of every class, chosen by `seed`; both parts keep the order of
/// `dataset`. The first part is what remains. Both have memory of their own.
std::pair<Dataset, Dataset> split(const Dataset& dataset, double fraction, uint64_t seed);

/// Random changes to training images, keyed by (seed, epoch, index in the data set).
struct Augment {
  bool flip = false;     ///< mirror left and right, one time in two
  int64_t crop_pad = 0;  ///< pad by so many zeros on each side, and cut the old size out at random

  /// True if there is anything to change.
  bool any() const { return flip || crop_pad > 0; }
};

/// What a `Loader` gives.
struct Batch {
  Tensor images;      ///< the data set's dtype, [samples, channels, height, width]
  Tensor labels;      ///< the data set's dtype, [samples, ...]
  int64_t first = 0;  ///< how many samples of the epoch come before this batch
  int64_t index = 0;  ///< the batch's number in the epoch
};

/// How a `Loader` makes batches.
struct LoaderOptions {
  int64_t batch = 64;      ///< samples
  bool shuffle = true;     ///< another order each epoch, keyed by (seed, epoch)
  uint64_t seed = 0;       ///< of the order and of `augment`
  Augment augment = {};    ///< of u8 images
  bool drop_last = false;  ///< leave a last, short batch out
  int prefetch = 2;        ///< batches that the thread makes ahead, at least 1
  /// Called on each batch after augmentation, on the loader's thread. It may change the tensors'
  /// elements; what it throws is thrown by `next`.
  std::function<void(Batch&)> transform = {};
};

/// Makes batches on one background thread, a few ahead of their use; without augmentation and
/// transform, which are copies of the data set's memory, when they are asked for. A batch depends
/// only on the data set, the options, the epoch and its index, so an epoch can be taken up in its
/// middle.
class Loader {
 public:
  /// Throws InvalidInput if the data set is not as it should be, or smaller than a batch. The
  /// threads of `pool` share in copying, where the library gives one, which must outlive the
  /// loader.
  Loader(Dataset dataset, LoaderOptions options, ThreadPool* pool = nullptr);
  /// Ends the thread, if there is one.
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Begins an epoch at batch `first_batch`, in [0, batches()]; leaves the one under way.
  void start(int64_t epoch, int64_t first_batch = 0);
  /// The next batch, or nothing at the end of the epoch. Its tensors are the loader's: they are
  /// valid until the next call of `next` or `start`.
  std::optional<Batch> next();

  /// Batches of an epoch.
  int64_t batches() const;
  /// The data set that batches are made of.
  const Dataset& dataset() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace data
}  // namespace hone

// The loader and augmentation: what depends on what, and what does not.
#include <hone/data.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <stdexcept>

#include "base/error.h"
#include "base/test_support.h"
#include "base/thread_pool.h"
#include "data/augment.h"

namespace hone::data {
namespace {

using test::expect_error;

/// Image i is filled with i; its label is i % 2.
Dataset numbered(int64_t count) {
  Dataset d{
      Tensor(DType::u8, {count, 1, 2, 3}), Tensor(DType::i64, {count}), {"even", "odd"}, "toy"};
  for (int64_t i = 0; i < count; ++i) {
    std::fill_n(d.images.data<uint8_t>() + i * 6, 6, static_cast<uint8_t>(i));
    d.labels.data<int64_t>()[i] = i % 2;
  }
  return d;
}

/// The samples of what is left of an epoch, in order; checks the batches on the way.
std::vector<int> rest_of_epoch(Loader& loader, int64_t first_batch = 0, int64_t batch_size = 8) {
  std::vector<int> samples;
  int64_t index = first_batch;
  while (std::optional<Batch> batch = loader.next()) {
    EXPECT_EQ(batch->index, index);
    EXPECT_EQ(batch->first, index * batch_size);
    for (int64_t i = 0; i < batch->images.shape()[0]; ++i) {
      samples.push_back(batch->images.data<uint8_t>()[i * 6]);
      EXPECT_EQ(batch->labels.data<int64_t>()[i], samples.back() % 2);
    }
    ++index;
  }
  EXPECT_EQ(index, loader.batches());
  return samples;
}

std::vector<int> epoch_of(Loader& loader, int64_t epoch, int64_t first_batch = 0) {
  loader.start(epoch, first_batch);
  return rest_of_epoch(loader, first_batch);
}

LoaderOptions batches_of_8() {
  LoaderOptions options;
  options.batch = 8;
  options.seed = 5;
  return options;
}

TEST(Loader, GivesEverySampleOnceInAnOrderOfItsOwnEachEpoch) {
  Loader loader(numbered(35), batches_of_8());
  EXPECT_EQ(loader.batches(), 5);
  EXPECT_FALSE(loader.next());  // no epoch begun
  const std::vector<int> first = epoch_of(loader, 0), second = epoch_of(loader, 1);
  EXPECT_NE(first, second);
  EXPECT_FALSE(loader.next());
  for (std::vector<int> order : {first, second}) {
    std::sort(order.begin(), order.end());
    std::vector<int> all(35);
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(order, all);
  }
  Loader again(numbered(35), batches_of_8());
  EXPECT_EQ(epoch_of(again, 1), second);  // without epoch 0 before it
  LoaderOptions other = batches_of_8();
  other.seed = 6;
  Loader reseeded(numbered(35), other);
  EXPECT_NE(epoch_of(reseeded, 1), second);
}

TEST(Loader, GivesTheSameWhateverThreadsShareInCopying) {
  Dataset large = numbered(35);
  large.images = Tensor(DType::u8, {35, 3, 64, 64});
  for (int64_t i = 0; i < large.images.elements(); ++i)
    large.images.data<uint8_t>()[i] = static_cast<uint8_t>(i * 2654435761U >> 9);
  Loader alone(large, batches_of_8());
  for (int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    Loader shared(large, batches_of_8(), &pool);
    alone.start(1);
    shared.start(1);
    while (const std::optional<Batch> expected = alone.next()) {
      const std::optional<Batch> found = shared.next();
      ASSERT_TRUE(found.has_value());
      EXPECT_TRUE(found->images.same_bits(expected->images)) << threads << " threads";
      EXPECT_TRUE(found->labels.same_bits(expected->labels)) << threads << " threads";
    }
    EXPECT_FALSE(shared.next().has_value());
  }
}

TEST(Loader, KeepsTheOrderUnlessShuffledAndDropsTheLastBatch) {
  LoaderOptions options = batches_of_8();
  options.shuffle = false;
  options.drop_last = true;
  Loader loader(numbered(35), options);
  std::vector<int> expected(32);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(epoch_of(loader, 3), expected);
}

TEST(Loader, ResumesInTheMiddleOfAnEpoch) {
  Loader loader(numbered(35), batches_of_8());
  const std::vector<int> whole = epoch_of(loader, 2);
  for (int64_t batch = 0; batch <= 5; ++batch) {
    Loader resumed(numbered(35), batches_of_8());
    const int64_t done = std::min<int64_t>(35, batch * 8);
    EXPECT_EQ(epoch_of(resumed, 2, batch), std::vector<int>(whole.begin() + done, whole.end()));
  }
}

TEST(Loader, LeavesAnEpochForAnother) {
  Loader loader(numbered(35), batches_of_8());
  const std::vector<int> expected = epoch_of(loader, 7);
  for (int taken = 0; taken < 5; ++taken) {
    loader.start(4);
    for (int i = 0; i < taken; ++i) EXPECT_TRUE(loader.next());
    EXPECT_EQ(epoch_of(loader, 7), expected);
  }
  loader.start(9);  // destroyed while it prefetches
}

TEST(Loader, HoldsABatchUntilTheNextAndPrefetchesNoMoreThanAsked) {
  std::atomic<int> made = 0;
  LoaderOptions options = batches_of_8();
  options.prefetch = 2;
  options.transform = [&](Batch&) { ++made; };
  Loader loader(numbered(80), options);
  loader.start(0);
  for (int taken = 1; taken <= 10; ++taken) {
    const std::optional<Batch> batch = loader.next();
    const Tensor copy = batch->images.clone();
    while (made < std::min(10, taken + 2)) std::this_thread::yield();
    EXPECT_TRUE(batch->images.same_bits(copy));
    EXPECT_LE(made, taken + 2);
  }
}

TEST(Loader, CarriesErrorsToTheConsumer) {
  LoaderOptions options = batches_of_8();
  bool broken = true;
  options.transform = [&](Batch& batch) {
    if (batch.index == 2 && broken) throw std::runtime_error("broken transform");
    std::fill_n(batch.images.data<uint8_t>(), 1, uint8_t{200});
  };
  Loader loader(numbered(35), options);
  loader.start(0);
  EXPECT_EQ(loader.next()->images.data<uint8_t>()[0], 200);
  EXPECT_TRUE(loader.next());
  EXPECT_THROW(loader.next(), std::runtime_error);
  EXPECT_THROW(loader.next(), std::runtime_error);
  broken = false;
  loader.start(0, 2);
  EXPECT_EQ(loader.next()->index, 2);
}

TEST(Loader, RefusesBadArguments) {
  const auto refuses = [](const std::string& part, auto change) {
    LoaderOptions options = batches_of_8();
    change(options);
    expect_error(ErrorKind::InvalidInput, {part}, [&] { Loader loader(numbered(35), options); });
  };
  refuses("batch 36: expected 1 to 35, the size of data set 'toy'",
          [](LoaderOptions& o) { o.batch = 36; });
  refuses("batch 0", [](LoaderOptions& o) { o.batch = 0; });
  refuses("prefetch 0", [](LoaderOptions& o) { o.prefetch = 0; });
  refuses("crop_pad -1", [](LoaderOptions& o) { o.augment.crop_pad = -1; });
  expect_error(ErrorKind::InvalidInput, {"found none"},
               [] { Loader loader(Dataset{}, batches_of_8()); });
  Loader loader(numbered(35), batches_of_8());
  expect_error(ErrorKind::InvalidInput, {"batch 6 of an epoch"}, [&] { loader.start(0, 6); });
  expect_error(ErrorKind::InvalidInput, {"epoch -1"}, [&] { loader.start(-1); });
}

TEST(Loader, AugmentsBySampleAndEpochWhateverTheBatch) {
  LoaderOptions options = batches_of_8();
  options.augment = {.flip = true, .crop_pad = 1};
  const Dataset data = numbered(35);
  // Each sample's image, by its number (never 0 after the first, unless all is shifted out).
  const auto images = [&](int64_t batch, int64_t epoch) {
    LoaderOptions o = options;
    o.batch = batch;
    o.shuffle = false;
    Loader loader(data, o);
    loader.start(epoch);
    std::vector<uint8_t> all;
    while (const std::optional<Batch> b = loader.next())
      all.insert(all.end(), b->images.data<uint8_t>(),
                 b->images.data<uint8_t>() + b->images.elements());
    return all;
  };
  EXPECT_EQ(images(8, 1), images(35, 1));
  EXPECT_NE(images(8, 1), images(8, 2));
}

TEST(Augment, ShiftsFillsWithZerosAndMirrors) {
  const Tensor from = Tensor::from<float>({1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const auto change = [&](const Change& c) {
    Tensor to(DType::f32, from.shape());
    std::fill_n(to.data<float>(), to.elements(), -1.0f);
    change_image(c, from.shape(), 4, from.raw(), to.raw());
    return std::vector<float>(to.data<float>(), to.data<float>() + to.elements());
  };
  using Pixels = std::vector<float>;
  EXPECT_EQ(change({0, 0, false}), (Pixels{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_EQ(change({1, 1, false}), (Pixels{0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7, 8}));
  EXPECT_EQ(change({-1, -2, false}), (Pixels{6, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0}));
  EXPECT_EQ(change({0, 0, true}), (Pixels{3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10}));
  EXPECT_EQ(change({5, -5, true}), Pixels(12, 0.0f));
}

TEST(Augment, DrawsEveryChangeEquallyOften) {
  const Augment augment{.flip = true, .crop_pad = 2};
  int count[5][5][2] = {};
  for (int64_t i = 0; i < 50000; ++i) {
    const Change c = draw_change(augment, 1, 2, i);
    ++count[c.down + 2][c.right + 2][c.mirror ? 1 : 0];
  }
  for (const auto& row : count)
    for (const auto& cell : row)
      for (int n : cell) EXPECT_NEAR(n, 1000, 160);  // five standard deviations
  const Change none = draw_change({}, 1, 2, 3);
  EXPECT_TRUE(none.down == 0 && none.right == 0 && !none.mirror);
}

}  // namespace
}  // namespace hone::data

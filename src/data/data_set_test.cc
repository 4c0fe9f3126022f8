// Reading, refusing and splitting data sets.
#include <hone/data.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "data/test_files.h"

namespace hone::data {
namespace {

using test::expect_error;
using test::TempFolder;

TEST(ReadIdx, ReadsEveryTypePlainAndGzip) {
  const TempFolder folder;
  const Bytes u8 = idx(0x08, {2, 3}, {1, 2, 3, 4, 5, 255});
  for (const Bytes& file : {u8, gzip(u8)})
    EXPECT_TRUE(read_idx(folder.write("a", file))
                    .same_bits(Tensor::from<uint8_t>({2, 3}, {1, 2, 3, 4, 5, 255})));
  EXPECT_TRUE(read_idx(folder.write("b", idx(0x0C, {2}, {0, 0, 1, 2, 255, 255, 255, 254})))
                  .same_bits(Tensor::from<int32_t>({2}, {258, -2})));
  EXPECT_TRUE(read_idx(folder.write("c", idx(0x0D, {1}, {0x3F, 0x80, 0, 0})))
                  .same_bits(Tensor::from<float>({1}, {1.0f})));
  EXPECT_TRUE(read_idx(folder.write("d", idx(0x0E, {1}, {0xC0, 0, 0, 0, 0, 0, 0, 0})))
                  .same_bits(Tensor::from<double>({1}, {-2.0})));
  EXPECT_EQ(read_idx(folder.write("e", idx(0x08, {}, {7}))).data<uint8_t>()[0], 7);
  EXPECT_EQ(read_idx(folder.write("f", idx(0x08, {0, 5}, {}))).shape(), (Shape{0, 5}));
}

TEST(ReadIdx, RefusesDamagedFiles) {
  const TempFolder folder;
  const auto refuses = [&](const Bytes& file, std::vector<std::string> parts,
                           ErrorKind kind = ErrorKind::InvalidInput) {
    const std::string path = folder.write("damaged.idx", file);
    parts.push_back(path);
    expect_error(kind, parts, [&] { read_idx(path); });
  };
  const Bytes whole = idx(0x08, {40, 50}, noise(2000));
  const Bytes packed = gzip(whole);

  refuses({packed.begin(), packed.begin() + 1000}, {"truncated"});
  refuses({packed.begin(), packed.end() - 4}, {"truncated"});
  Bytes bad_crc = packed;
  bad_crc[bad_crc.size() - 8] ^= 1;
  refuses(bad_crc, {"corrupt", "data check"});
  Bytes bad_body = packed;
  for (size_t i = 20; i < 40; ++i) bad_body[i] ^= 0x5A;
  refuses(bad_body, {"gzip stream is"});

  refuses({1, 0, 8, 1, 0, 0, 0, 0}, {"expected an IDX file", "found 01 00"});
  refuses({}, {"expected an IDX file", "0 bytes"});
  refuses(idx(0x07, {1}, {1}), {"element type", "found 07"});
  refuses(idx(0x0B, {1}, {1, 1}), {"found i16"}, ErrorKind::Unsupported);
  refuses({0, 0, 8, 2, 0, 0, 0, 1}, {"expected 2 dimensions", "ends after 1"});

  for (bool compressed : {false, true}) {
    const auto form = [&](const Bytes& b) { return compressed ? gzip(b) : b; };
    refuses(form(idx(0x08, {41, 50}, noise(2000))), {"[41,50] needs 2050 bytes"});
    refuses(form(idx(0x08, {39, 50}, noise(2000))), {"[39,50] needs 1950 bytes, found more"});
    // Nothing is allocated for dimensions that the file cannot hold.
    refuses(form(idx(0x08, {1u << 31, 1u << 20}, noise(10))), {"needs 2251799813685248 bytes"});
    refuses(form(idx(0x08, {~0u, ~0u, ~0u}, noise(10))), {"2^63"});
  }
  const std::string missing = folder.file("missing");
  expect_error(ErrorKind::Io, {missing, "No such file"}, [&] { read_idx(missing); });
  expect_error(ErrorKind::Io, {folder.path(), "folder"}, [&] { read_idx(folder.path()); });
}

/// A folder of ten 2x2 training images of classes 0, 1, 2 and four test images; tests spoil it.
class IdxFolder : public testing::Test {
 protected:
  IdxFolder() {
    folder_.write("train-images-idx3-ubyte.gz", gzip(idx(8, {10, 2, 2}, noise(40))));
    folder_.write("train-labels-idx1-ubyte.gz", gzip(idx(8, {10}, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0})));
    folder_.write("t10k-images-idx3-ubyte", idx(8, {4, 2, 2}, noise(16)));
    folder_.write("t10k-labels-idx1-ubyte", idx(8, {4}, {2, 1, 0, 0}));
  }
  void refuses(const std::string& file, const Bytes& contents, std::vector<std::string> parts) {
    folder_.write(file, contents);
    expect_error(ErrorKind::InvalidInput, parts, [&] { load(folder_.path()); });
  }
  TempFolder folder_;
};

TEST_F(IdxFolder, Loads) {
  const Splits s = load(folder_.path(), {.validation = 0});
  EXPECT_EQ(s.train.images.shape(), (Shape{10, 1, 2, 2}));
  EXPECT_EQ(s.train.labels.data<int64_t>()[2], 2);
  EXPECT_EQ(s.train.class_names, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(s.validation.size(), 0);
  EXPECT_EQ(s.test.size(), 4);
  folder_.write("t10k-images-idx3-ubyte", idx(8, {4, 1, 2, 2}, noise(16)));  // rank 4
  EXPECT_TRUE(load(folder_.path()).test.images.same_bits(s.test.images));
  const Dataset test = load_test(folder_.path());
  EXPECT_TRUE(test.images.same_bits(s.test.images));
  EXPECT_TRUE(test.labels.same_bits(s.test.labels));
  EXPECT_EQ(test.class_names, s.test.class_names);
  EXPECT_EQ(test.name, s.test.name);
}

TEST_F(IdxFolder, RefusesFewerLabelsThanImages) {
  refuses("t10k-labels-idx1-ubyte", idx(8, {3}, {0, 1, 2}),
          {"t10k-images", "has 4 images", "t10k-labels", "has 3 labels"});
}
TEST_F(IdxFolder, RefusesLabelsOutOfRange) {
  refuses("t10k-labels-idx1-ubyte", idx(8, {4}, {0, 1, 3, 0}),
          {"t10k-labels", "labels in [0, 3), found 3 at image 2"});
}
TEST_F(IdxFolder, RefusesAnEmptySet) {
  folder_.write("train-labels-idx1-ubyte.gz", idx(8, {0}, {}));
  refuses("train-images-idx3-ubyte.gz", idx(8, {0, 2, 2}, {}),
          {"train-images", "at least one image, found [0,2,2]"});
}
TEST_F(IdxFolder, RefusesImagesOfAnotherSize) {
  refuses("t10k-images-idx3-ubyte", idx(8, {4, 2, 3}, noise(24)), {"u8[10,1,2,2]", "u8[4,1,2,3]"});
}
TEST_F(IdxFolder, RefusesImagesOfAnotherRankOrType) {
  refuses("t10k-images-idx3-ubyte", idx(8, {4, 2}, noise(8)), {"t10k-images", "rank 3 or 4"});
  refuses("t10k-images-idx3-ubyte", idx(0x0C, {4, 1, 1}, noise(16)), {"t10k-images", "u8 or f32"});
  refuses("train-labels-idx1-ubyte.gz", idx(8, {10, 1}, noise(10)), {"train-labels", "[count]"});
}
TEST_F(IdxFolder, NamesAMissingFile) {
  std::filesystem::remove(folder_.file("t10k-labels-idx1-ubyte"));
  expect_error(ErrorKind::Io, {"t10k-labels-*", folder_.path()}, [&] { load(folder_.path()); });
  expect_error(ErrorKind::Io, {"no data set 'nowhere'", "fashion-mnist"}, [] { load("nowhere"); });
}
TEST_F(IdxFolder, RefusesToHoldEverythingOut) {
  expect_error(ErrorKind::InvalidInput, {"[0, 1), found 1"},
               [&] { load(folder_.path(), {.validation = 1}); });
}

TEST(FashionMnist, NamesThePackageThatIsMissing) {
  const TempFolder empty;
  LoadOptions options;
  options.path = empty.path();
  expect_error(ErrorKind::Io, {"train-images", empty.path(), "dataset-fashion-mnist"},
               [&] { fashion_mnist(options); });
}

TEST(FashionMnist, IsFoundSplitAndComplete) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  const Splits s = load("fashion-mnist");
  EXPECT_EQ(s.train.images.type().to_string(), "u8[54000,1,28,28]");
  EXPECT_EQ(s.validation.images.type().to_string(), "u8[6000,1,28,28]");
  EXPECT_EQ(s.test.images.type().to_string(), "u8[10000,1,28,28]");
  EXPECT_EQ(s.train.class_names[9], "Ankle boot");
  for (const Dataset* part : {&s.train, &s.validation, &s.test}) {
    std::map<int64_t, int64_t> count;
    for (int64_t i = 0; i < part->size(); ++i) ++count[part->labels.data<int64_t>()[i]];
    for (const auto& [label, n] : count) EXPECT_EQ(n, part->size() / 10) << label;
  }
}

/// Each image is its own number; classes of different sizes.
Dataset numbered(int64_t count) {
  Dataset d{Tensor(DType::f32, {count, 1, 2, 2}), Tensor(DType::i64, {count}), {"a", "b"}, "toy"};
  for (int64_t i = 0; i < count; ++i) {
    std::fill_n(d.images.data<float>() + i * 4, 4, static_cast<float>(i));
    d.labels.data<int64_t>()[i] = i % 5 == 0;
  }
  return d;
}

TEST(Split, IsStratifiedCompleteAndKeyedBySeed) {
  const Dataset all = numbered(100);
  const auto [rest, held] = split(all, 0.25, 3);
  EXPECT_EQ(held.size(), 25);
  std::vector<float> seen;
  for (const Dataset* part : {&rest, &held}) {
    int64_t rare = 0;
    for (int64_t i = 0; i < part->size(); ++i) {
      const float number = part->images.data<float>()[i * 4];
      EXPECT_EQ(part->labels.data<int64_t>()[i], static_cast<int64_t>(number) % 5 == 0);
      EXPECT_TRUE(i == 0 || number > seen.back());
      seen.push_back(number);
      rare += part->labels.data<int64_t>()[i];
    }
    EXPECT_EQ(rare, part->size() / 5);
  }
  std::sort(seen.begin(), seen.end());
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(seen[i], static_cast<float>(i));
  EXPECT_EQ(all.images.data<float>()[4], 1.0f);  // untouched

  EXPECT_TRUE(split(all, 0.25, 3).second.images.same_bits(held.images));
  EXPECT_FALSE(split(all, 0.25, 4).second.images.same_bits(held.images));
}

TEST(Dataset, RefusesWhatIsNotOne) {
  const auto refuses = [](auto spoil, const std::string& part) {
    Dataset d = numbered(10);
    spoil(d);
    expect_error(ErrorKind::InvalidInput, {"'toy'", part}, [&] { d.check(); });
  };
  refuses([](Dataset& d) { d.images = {}; }, "found none");
  refuses([](Dataset& d) { d.images = d.images.cast(DType::i32); }, "i32[10,1,2,2]");
  refuses([](Dataset& d) { d.images = d.images.reshaped({40}); }, "f32[40]");
  refuses([](Dataset& d) { d.labels = d.labels.cast(DType::u8); }, "u8[10]");
  refuses([](Dataset& d) { d.labels = d.labels.rows(0, 9); }, "10 images and 9 labels");
  refuses([](Dataset& d) { d.class_names.pop_back(); }, "[0, 1), found 1 at image 0");
  refuses([](Dataset& d) { d.labels.data<int64_t>()[3] = -1; }, "found -1 at image 3");
  refuses(
      [](Dataset& d) {
        d.images = d.images.rows(0, 0);
        d.labels = d.labels.rows(0, 0);
      },
      "is empty");
}

}  // namespace
}  // namespace hone::data

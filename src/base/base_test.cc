// Tensors, the shard tree, the generator and the pool.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <thread>

#include "base/allocations.h"
#include "base/dtype.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/shards.h"
#include "base/thread_pool.h"
#include "hone/tensor.h"

namespace hone {
namespace {

TEST(Tensor, RowsShareMemory) {
  Tensor t = Tensor::from<float>({3, 2}, {0, 1, 2, 3, 4, 5});
  Tensor r = t.rows(1, 3);
  EXPECT_EQ(r.shape(), (Shape{2, 2}));
  r.data<float>()[0] = 9;
  EXPECT_EQ(t.data<float>()[2], 9);
  EXPECT_THROW((void)t.data<double>(), Error);
}

// What a check says is made only when it fails: a tensor is asked for its elements in loops.
TEST(Tensor, AskingForElementsAllocatesNothing) {
  Tensor t(DType::f32, Shape(std::vector<int64_t>(20, 1)));
  const int64_t before = allocations();
  t.data<float>()[0] = 1;
  EXPECT_EQ(allocations(), before);
}

TEST(Tensor, CastSaturatesAndSendsNanToZero) {
  Tensor t = Tensor::from<float>({4}, {-1.5f, 300.0f, NAN, 7.9f});
  Tensor u = t.cast(DType::u8);
  EXPECT_EQ(u.data<uint8_t>()[0], 0);
  EXPECT_EQ(u.data<uint8_t>()[1], 255);
  EXPECT_EQ(u.data<uint8_t>()[2], 0);
  EXPECT_EQ(u.data<uint8_t>()[3], 7);
}

// Between two neighbours the nearer one, in the middle the even one; what lies beyond the last is
// infinite.
template <class Half, class Narrow>
void check_half(uint16_t infinity, Narrow narrow) {
  const auto wide = [](uint32_t bits) {
    return static_cast<double>(to_float(Half{static_cast<uint16_t>(bits)}));
  };
  for (uint32_t bits = 0; bits < infinity; ++bits) {
    const double low = wide(bits);
    const double high = bits + 1 < infinity ? wide(bits + 1) : 2 * low - wide(bits - 1);
    const double middle = (low + high) / 2;
    ASSERT_EQ(narrow(low).bits, bits);
    ASSERT_EQ(narrow(-low).bits, bits | 0x8000u);
    ASSERT_EQ(narrow(middle).bits, bits + bits % 2);
    ASSERT_EQ(narrow(std::nextafter(middle, 0)).bits, bits);
    ASSERT_EQ(narrow(std::nextafter(middle, INFINITY)).bits, bits + 1);
  }
  EXPECT_EQ(narrow(INFINITY).bits, infinity);
  EXPECT_EQ(narrow(-1e300).bits, infinity | 0x8000);
  EXPECT_EQ(narrow(-5e-324).bits, 0x8000);
  EXPECT_TRUE(std::isnan(to_float(narrow(NAN))));
  EXPECT_TRUE(std::isinf(wide(infinity)));
}

TEST(Half, RoundsToTheNearestEven) {
  check_half<Float16>(0x7C00, to_float16);
  check_half<BFloat16>(0x7F80, to_bfloat16);
  EXPECT_EQ(to_float16(1.5).bits, 0x3E00);
  EXPECT_EQ(to_float16(65504).bits, 0x7BFF);
  EXPECT_EQ(to_bfloat16(-2).bits, 0xC000);
}

TEST(Tensor, CastsBetweenAllDtypes) {
  const Tensor x = Tensor::from<float>({3}, {0, 1, 100});
  for (int i = 0; i < kDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    if (dtype == DType::boolean) continue;
    EXPECT_TRUE(x.cast(dtype).cast(DType::f32).same_bits(x)) << name_of(dtype);
  }
  const Tensor wide = Tensor::from<int64_t>({2}, std::vector<int64_t>{-1, 300});
  EXPECT_TRUE(wide.cast(DType::i8).same_bits(Tensor::from<int8_t>({2}, {-1, 44})));
  EXPECT_TRUE(wide.cast(DType::u64).same_bits(Tensor::from<uint64_t>({2}, {UINT64_MAX, 300})));
}

TEST(Shards, EverySampleIsInExactlyItsShard) {
  for (int64_t batch : {1, 5, 16, 63, 64, 100}) {
    for (int64_t shards = 1; shards <= batch; ++shards) {
      const Sharding s{batch, shards};
      for (int64_t samples = 1; samples <= batch; ++samples) {
        int64_t next = 0;
        for (int64_t v = 0; v < s.present(samples); ++v) {
          EXPECT_EQ(s.begin(v), next);
          for (int64_t i = s.begin(v); i < s.end(v, samples); ++i) EXPECT_EQ(i * shards / batch, v);
          next = s.end(v, samples);
        }
        EXPECT_EQ(next, samples);
      }
    }
  }
}

std::string tree_text(int64_t n) {
  std::string slots[kMaxTreeDepth];
  tree_fold(
      n, [&](int64_t i, int slot) { slots[slot] = std::to_string(i); },
      [&](int into, int from) { slots[into] = "(" + slots[into] + "+" + slots[from] + ")"; });
  return slots[0];
}

TEST(Shards, TreeSplitsAtTheLargestPowerOfTwo) {
  EXPECT_EQ(tree_text(1), "0");
  EXPECT_EQ(tree_text(3), "((0+1)+2)");
  EXPECT_EQ(tree_text(6), "(((0+1)+(2+3))+(4+5))");
  EXPECT_EQ(tree_text(7), "(((0+1)+(2+3))+((4+5)+6))");
}

TEST(Philox, MatchesThePublishedVectors) {
  // Known answers of Random123's philox4x32-10.
  const Philox zero = philox(0, 0, 0);
  EXPECT_EQ(zero.v[0], 0x6627e8d5u);
  EXPECT_EQ(zero.v[1], 0xe169c58du);
  EXPECT_EQ(zero.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.v[3], 0x9b00dbd8u);
  const Philox ones = philox(~0ull, ~0ull, ~0ull);
  EXPECT_EQ(ones.v[0], 0x408f276du);
  EXPECT_EQ(ones.v[3], 0x6d5451fdu);
}

TEST(ThreadPool, RunsEachItemOnceAndNestsSafely) {
  for (int threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int round = 0; round < 200; ++round) {
      std::atomic<int64_t> sum{0};
      pool.run(37, [&](int64_t i, int worker) {
        EXPECT_LT(worker, threads);
        pool.run(3, [&](int64_t j, int) { sum += i * 3 + j; });
      });
      EXPECT_EQ(sum.load(), 37 * 3 * (37 * 3 - 1) / 2);
    }
  }
}

TEST(ThreadPool, EndsWhileWorkersJoinParkOrComeTooLate) {
  for (int round = 0; round < 1500; ++round)
    for (int threads : {2, 5}) {
      std::atomic<int> done{0};
      const auto spend = [](int turns) {
        for (int i = 0; i < turns; ++i) std::atomic_signal_fence(std::memory_order_seq_cst);
      };
      {
        ThreadPool pool(threads);
        spend(round * 37 % 4000);
        pool.run(7, [&](int64_t, int) {
          spend(round * 13 % 1000);
          ++done;
        });
        spend(round % 3 == 0 ? 0 : round * 91 % 20000);
        if (round % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      EXPECT_EQ(done.load(), 7);
    }
}

TEST(Allocations, AreCounted) {
  const int64_t before = allocations();
  const auto kept = std::make_unique<std::string>(100, 'x');
  EXPECT_EQ(allocations(), before + 2);
}

}  // namespace
}  // namespace hone

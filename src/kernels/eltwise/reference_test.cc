// The scalar references: broadcasting, special values, dtypes, and the accuracy of hone's math.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/eltwise/test_support.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> floats(const Tensor& t) {
  return {t.data<float>(), t.data<float>() + t.elements()};
}

float apply1(const ir::OpSpec& spec, float x) {
  return apply(spec, {Tensor::scalar(x)}).data<float>()[0];
}

float apply2(const ir::OpSpec& spec, float a, float b) {
  return apply(spec, {Tensor::scalar(a), Tensor::scalar(b)}).data<float>()[0];
}

TEST(EltwiseReference, Broadcasts) {
  const Tensor column = Tensor::from<float>({2, 1}, {10, 20});
  const Tensor row = Tensor::from<float>({3}, {1, 2, 3});
  const Tensor sum = apply(op::add, {column, row});
  EXPECT_EQ(sum.shape(), (Shape{2, 3}));
  EXPECT_EQ(floats(sum), (std::vector<float>{11, 12, 13, 21, 22, 23}));
  const Tensor inner = Tensor::from<float>({2, 1, 2}, {1, 2, 3, 4});
  EXPECT_EQ(floats(apply(op::mul, {inner, Tensor::from<float>({2, 1}, {1, 10})})),
            (std::vector<float>{1, 2, 10, 20, 3, 4, 30, 40}));
  EXPECT_EQ(apply(op::neg, {Tensor(DType::f32, {0, 3})}).elements(), 0);
}

TEST(EltwiseReference, IntegersWrapAndNeverTrap) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  const auto i64 = [](const ir::OpSpec& spec, int64_t a, int64_t b) {
    return apply(spec, {Tensor::scalar_i64(a), Tensor::scalar_i64(b)}).data<int64_t>()[0];
  };
  EXPECT_EQ(i64(op::add, 41, 1), 42);
  EXPECT_EQ(i64(op::sub, kLeast, 1), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(i64(op::div, -7, 2), -3);
  EXPECT_EQ(i64(op::div, 7, 0), 0);
  EXPECT_EQ(i64(op::div, kLeast, -1), kLeast);
  EXPECT_EQ(i64(op::max, -3, 2), 2);
  EXPECT_THROW(apply(op::exp, {Tensor::scalar_i64(1)}), Error);
}

TEST(EltwiseReference, ComparesSelectsAndCasts) {
  const Tensor a = Tensor::from<float>({4}, {1, 2, kNan, -0.0f});
  const Tensor b = Tensor::from<float>({4}, {1, 1, kNan, 0.0f});
  const Tensor same = apply(op::equal, {a, b});
  EXPECT_EQ(same.dtype(), DType::boolean);
  EXPECT_TRUE(same.same_bits(Tensor::from<bool>({4}, {true, false, false, true})));
  EXPECT_TRUE(
      apply(op::greater, {a, b}).same_bits(Tensor::from<bool>({4}, {false, true, false, false})));
  const Tensor chosen =
      apply(op::select, {same, Tensor::scalar_i64(7), Tensor::from<int64_t>({4}, {0, 1, 2, 3})});
  EXPECT_TRUE(chosen.same_bits(Tensor::from<int64_t>({4}, {7, 1, 2, 7})));
  const Tensor bytes =
      apply(op::cast, {Tensor::from<float>({4}, {-1.5f, 300, kNan, 7.9f})}, {{"dtype", "u8"}});
  EXPECT_TRUE(bytes.same_bits(Tensor::from<uint8_t>({4}, {0, 255, 0, 7})));
  EXPECT_EQ(floats(apply(op::cast, {same}, {{"dtype", "f32"}})), (std::vector<float>{1, 0, 0, 1}));
}

TEST(EltwiseReference, InDoubleF32IsHeldAsF64) {
  const Tensor x = Tensor::from<double>({2}, {0.1, 0.7});
  const Tensor y = apply(op::exp, {x}, {}, true);
  EXPECT_EQ(y.data<double>()[0], std::exp(0.1));
  EXPECT_EQ(apply(op::add, {x, x}, {}, true).data<double>()[1], 1.4);
}

TEST(EltwiseReference, HalvesAreComputedAsF32AndRounded) {
  const auto of = [](const ir::OpSpec& spec, std::vector<float> operands, DType dtype) {
    std::vector<Tensor> tensors;
    for (float x : operands) tensors.push_back(Tensor::scalar(x).cast(dtype));
    return kernels::apply(spec, tensors).cast(DType::f32).data<float>()[0];
  };
  EXPECT_EQ(of(op::add, {2048, 1}, DType::f16), 2048);  // half to even
  EXPECT_EQ(of(op::add, {2048, 3}, DType::f16), 2052);
  EXPECT_EQ(of(op::mul, {300, 300}, DType::f16), kInf);
  EXPECT_EQ(of(op::max, {-1, 2}, DType::bf16), 2);
  EXPECT_EQ(of(op::exp, {1}, DType::bf16), 2.71875f);
  EXPECT_EQ(of(op::floor, {-1.5f}, DType::f16), -2);
}

TEST(EltwiseReference, NodesThatGiveF64AreTheOracles) {
  const Tensor x = Tensor::from<double>({1}, {0.1});
  EXPECT_EQ(apply(op::exp, {x}).data<double>()[0], std::exp(0.1));
  EXPECT_EQ(apply(op::sub, {x, x}).data<double>()[0], 0);
  EXPECT_EQ(apply(op::greater, {x, Tensor::from<double>({}, {0.0})}).data<bool>()[0], true);
}

TEST(EltwiseReference, MaxMinAndReluTreatSpecialsAsDefined) {
  const auto bits = [](float x) { return std::bit_cast<uint32_t>(x); };
  EXPECT_EQ(bits(apply2(op::max, -0.0f, 0.0f)), bits(0.0f));
  EXPECT_EQ(bits(apply2(op::max, 0.0f, -0.0f)), bits(0.0f));
  EXPECT_EQ(bits(apply2(op::min, 0.0f, -0.0f)), bits(-0.0f));
  EXPECT_TRUE(std::isnan(apply2(op::max, kNan, 1)));
  EXPECT_TRUE(std::isnan(apply2(op::min, 1, kNan)));
  EXPECT_EQ(bits(apply1(op::relu, -0.0f)), bits(0.0f));
  EXPECT_TRUE(std::isnan(apply1(op::relu, kNan)));
}

TEST(EltwiseReference, MathOfSpecials) {
  EXPECT_EQ(std::bit_cast<uint32_t>(apply1(op::exp, -kInf)), 0u);
  EXPECT_EQ(apply1(op::exp, kInf), kInf);
  EXPECT_EQ(apply1(op::exp, 89), kInf);
  EXPECT_EQ(apply1(op::exp, 0), 1);
  EXPECT_EQ(apply1(op::exp, -103.27893f), 0x1p-149f);
  EXPECT_EQ(apply1(op::log, 0), -kInf);
  EXPECT_EQ(apply1(op::log, -0.0f), -kInf);
  EXPECT_EQ(apply1(op::log, kInf), kInf);
  EXPECT_EQ(apply1(op::log, 1), 0);
  EXPECT_TRUE(std::isnan(apply1(op::log, -1)));
  EXPECT_TRUE(std::isnan(apply1(op::log, -kInf)));
  EXPECT_EQ(apply1(op::tanh, -kInf), -1);
  EXPECT_EQ(apply1(op::erf, kInf), 1);
  EXPECT_EQ(apply1(op::sigmoid, kInf), 1);
  EXPECT_EQ(apply1(op::sigmoid, -kInf), 0);
  EXPECT_EQ(apply1(op::cos, 0), 1);
  EXPECT_TRUE(std::isnan(apply1(op::cos, kInf)));
  for (const ir::OpSpec* spec : {&op::exp, &op::log, &op::tanh, &op::sigmoid, &op::erf, &op::cos,
                                 &op::sin, &op::atan, &op::floor, &op::round, &op::sqrt})
    EXPECT_TRUE(std::isnan(apply1(*spec, kNan))) << spec->name;
  for (const ir::OpSpec* spec : {&op::tanh, &op::erf, &op::sin, &op::atan, &op::floor, &op::round})
    EXPECT_EQ(std::bit_cast<uint32_t>(apply1(*spec, -0.0f)), 0x80000000u) << spec->name;
}

/// |got - want| in units of the last place of a float at `want`.
double ulps(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : kInf;
  if (std::isinf(static_cast<float>(want))) return std::isinf(got) ? 0 : kInf;
  int exponent;
  std::frexp(want, &exponent);
  return std::fabs(got - want) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

struct MathCase {
  const ir::OpSpec* op;
  float low, high;
};

TEST(EltwiseReference, MathIsWithinTwoUlp) {
  const MathCase cases[] = {{&op::exp, -kInf, kInf},  {&op::log, 0, kInf},
                            {&op::tanh, -kInf, kInf}, {&op::sigmoid, -kInf, kInf},
                            {&op::erf, -kInf, kInf},  {&op::cos, -1000, 1000},
                            {&op::sin, -1000, 1000},  {&op::atan, -kInf, kInf}};
  for (const MathCase& c : cases) {
    std::vector<float> xs;
    for (uint64_t pattern = 0; pattern < (uint64_t{1} << 32); pattern += 4099) {
      const float x = std::bit_cast<float>(static_cast<uint32_t>(pattern));
      if (x >= c.low && x <= c.high) xs.push_back(x);
    }
    const Tensor x = Tensor::from<float>({static_cast<int64_t>(xs.size())}, xs);
    const Tensor got = apply(*c.op, {x});
    const Tensor want = apply(*c.op, {x.cast(DType::f64)}, {}, true);
    double worst = 0;
    for (size_t i = 0; i < xs.size(); ++i)
      worst = std::max(worst, ulps(got.data<float>()[i], want.data<double>()[i]));
    EXPECT_LT(worst, 2) << c.op->name;
  }
}

TEST(EltwiseReference, FmaCloneGivesTheSameBits) {
  std::vector<float> xs;
  for (uint64_t pattern = 0; pattern < (uint64_t{1} << 32); pattern += 1000003)
    xs.push_back(std::bit_cast<float>(static_cast<uint32_t>(pattern)));
  const Tensor x = Tensor::from<float>({static_cast<int64_t>(xs.size())}, xs);
  const View in{const_cast<std::byte*>(x.raw()), &x.type()};
  for (const ir::OpSpec* spec :
       {&op::exp, &op::log, &op::tanh, &op::sigmoid, &op::erf, &op::cos, &op::sin, &op::atan}) {
    if (!has_fma()) GTEST_SKIP() << "this machine has no FMA";
    Tensor soft(DType::f32, x.shape());
    Tensor hard(DType::f32, x.shape());
    const ir::Node node{spec, {}, {}, {}, ""};
    const View soft_view{soft.raw(), &soft.type()};
    const View hard_view{hard.raw(), &hard.type()};
    find_reference(*spec)->f32({&node, {&in, 1}, {&soft_view, 1}});
    find_reference(*spec)->f32_fma({&node, {&in, 1}, {&hard_view, 1}});
    for (size_t i = 0; i < xs.size(); ++i) {
      const float a = soft.data<float>()[i];
      const float b = hard.data<float>()[i];
      if (a != a && b != b) continue;
      ASSERT_EQ(std::bit_cast<uint32_t>(a), std::bit_cast<uint32_t>(b))
          << spec->name << " of " << xs[i];
    }
  }
}

TEST(EltwiseReference, RoundsAndTakesRemainders) {
  EXPECT_EQ(apply1(op::floor, -1.5f), -2);
  EXPECT_EQ(apply1(op::round, 2.5f), 2);
  EXPECT_EQ(apply1(op::round, -3.5f), -4);
  EXPECT_EQ(apply1(op::round, 0x1p30f), 0x1p30f);
  EXPECT_EQ(apply2(op::mod, -7.5f, 2), -1.5f);
  EXPECT_EQ(apply2(op::mod, 1e30f, 3), std::fmod(1e30f, 3.0f));
  EXPECT_TRUE(std::isnan(apply2(op::mod, 1, 0)));
  const auto i8 = [](const ir::OpSpec& spec, int8_t a, int8_t b) {
    return int{apply(spec, {Tensor::from<int8_t>({}, {a}), Tensor::from<int8_t>({}, {b})})
                   .data<int8_t>()[0]};
  };
  EXPECT_EQ(i8(op::mod, -7, 3), -1);
  EXPECT_EQ(i8(op::mod, 7, 0), 0);
  EXPECT_EQ(i8(op::mod, -128, -1), 0);
  EXPECT_EQ(i8(op::pow, -2, 3), -8);
  EXPECT_EQ(i8(op::pow, 2, 8), 0);
  EXPECT_EQ(i8(op::pow, -1, -3), -1);
  EXPECT_EQ(i8(op::pow, 2, -1), 0);
  EXPECT_EQ(i8(op::mul, 100, 3), 44);
}

TEST(EltwiseReference, PowIsRightToTheLastBit) {
  const float xs[] = {0.5f, 2, 3, 10, 0.1f, 1.0001f, 0.9999f, 7.5e-20f, 1e30f, 1e-40f, -3, -0.7f};
  const float ys[] = {0.5f, -0.5f, 2, 3, -3, 17, 0.3333f, 100, 1000, -250.25f, 1e-3f};
  for (float x : xs)
    for (float y : ys)
      EXPECT_LE(ulps(apply2(op::pow, x, y), std::pow(double{x}, double{y})), 0.501)
          << x << " to the power of " << y;
}

TEST(EltwiseReference, PowOfSpecialsIsThatOfC) {
  const float specials[] = {0, -0.0f, 1, -1, 0.5f, -0.5f, 2, -2, 3, -3, 1e30f, kInf, -kInf, kNan};
  for (float x : specials)
    for (float y : specials) {
      const float got = apply2(op::pow, x, y), want = std::pow(x, y);
      EXPECT_TRUE(std::isnan(want) ? std::isnan(got)
                                   : got == want && std::signbit(got) == std::signbit(want))
          << x << " to the power of " << y << " is " << got << ", expected " << want;
    }
}

}  // namespace
}  // namespace hone::kernels

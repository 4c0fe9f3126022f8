// int8.dot where it could go wrong: the greatest products, long sums, x of
// either sign, padding.
#include "ir/expr.h"
#include "kernels/draw.h"
#include "kernels/int8/micro.h"
#include "kernels/int8/peak.h"
#include "kernels/node_check.h"

namespace hone::kernels {
namespace {

/// Bytes of which one in two is the least or the greatest.
Tensor extreme_bytes(DType dtype, Shape shape, uint64_t key) {
  Draw draw(key);
  Tensor wide(DType::i32, std::move(shape));
  const int64_t low = dtype == DType::u8 ? 0 : -128;
  for (int64_t i = 0; i < wide.elements(); ++i)
    wide.data<int32_t>()[i] =
        static_cast<int32_t>(low + (draw.one_in(2) ? 255 * draw.below(2) : draw.below(256)));
  return wide.cast(dtype);
}

ir::Attrs conv_attrs(ir::Ints pad, int64_t groups, int64_t pad_value) {
  return {{"stride", ir::Ints{1, 2}},           {"pad", std::move(pad)},
          {"dilation", ir::Ints{1, 1}},         {"groups", groups},
          {"layout", std::string("nhwc_hwio")}, {"pad_value", pad_value}};
}

TEST(Int8, SumsAreExactWhateverTheBytes) {
  for (const DType x : {DType::u8, DType::i8})
    for (const int64_t depth : {1, 3, 64, 1001, 5000}) {
      const NodeCase c(ir::op::matmul,
                       {extreme_bytes(x, {13, depth}, 1), extreme_bytes(DType::i8, {depth, 50}, 2)},
                       {});
      EXPECT_EQ(check_against_reference(c), 1) << depth;
    }
}

TEST(Int8, TheGreatestProductsDoNotSaturate) {
  for (const int32_t weight : {-128, 127}) {
    Tensor x(DType::i32, {2, 300}), w(DType::i32, {300, 40});
    std::fill_n(x.data<int32_t>(), x.elements(), 255);
    std::fill_n(w.data<int32_t>(), w.elements(), weight);
    const NodeCase c(ir::op::matmul, {x.cast(DType::u8), w.cast(DType::i8)}, {});
    EXPECT_EQ(by_reference(c)[0].data<int32_t>()[0], 300 * 255 * weight);
    EXPECT_EQ(check_against_reference(c), 1);
  }
}

TEST(Int8, ConvolutionsTakeAnyPaddingAndGroups) {
  for (const DType x : {DType::u8, DType::i8})
    for (const int64_t channels : {3, 4, 40})
      for (const int64_t groups : {1, 2})
        for (const int64_t pad_value : {0, 77}) {
          const NodeCase c(ir::op::conv2d,
                           {extreme_bytes(x, {2, 9, 12, channels * groups}, 3),
                            extreme_bytes(DType::i8, {3, 4, channels, 36 * groups}, 4)},
                           conv_attrs({1, 2, 0, 3}, groups, pad_value));
          EXPECT_EQ(check_against_reference(c), 1) << channels;
        }
}

// One line of results a sample: images of one line, and filters as tall as the image.
TEST(Int8, SamplesOfOneLineAreReadWhereTheyLie) {
  for (const auto& [height, stride_h] : {std::pair{1, 1}, {5, 5}, {5, 1}})
    for (const int64_t stride_w : {1, 2})
      for (const int64_t pad : {0, 1}) {
        const NodeCase c(ir::op::conv2d,
                         {extreme_bytes(DType::u8, {3, height, 12, 16}, 5),
                          extreme_bytes(DType::i8, {height, 3, 16, 40}, 6)},
                         {{"stride", ir::Ints{stride_h, stride_w}},
                          {"pad", ir::Ints{0, pad, 0, pad}},
                          {"dilation", ir::Ints{1, 1}},
                          {"groups", int64_t{1}},
                          {"layout", std::string("nhwc_hwio")}});
        EXPECT_EQ(check_against_reference(c), 1) << height << " " << stride_w << " " << pad;
      }
}

TEST(Int8, DepthwiseConvolutionsTakeAnyChannels) {
  for (const DType x : {DType::u8, DType::i8})
    for (const int64_t channels : {2, 16, 50, 64, 130}) {
      const NodeCase c(ir::op::conv2d,
                       {extreme_bytes(x, {2, 9, 12, channels}, 3),
                        extreme_bytes(DType::i8, {3, 3, 1, channels}, 4)},
                       conv_attrs({1, 2, 0, 3}, channels, 77));
      EXPECT_EQ(check_against_reference(c), 1) << channels;
    }
}

/// cast(round(relu?((sum + bias) * factor)) + zero, dtype)
ir::Region requantisation(const Shape& loop, bool relu, float zero, DType dtype) {
  ir::Graph body("requantise");
  const int64_t cols = loop[loop.rank() - 1];
  ir::Expr sum = ir::input(body, "acc", {DType::i32, loop});
  sum = sum + ir::input(body, "bias", {DType::i32, {cols}});
  ir::Expr x = ir::cast(sum, DType::f32) * ir::input(body, "factor", {DType::f32, {cols}});
  if (relu) x = ir::relu(x);
  x = ir::round(x);
  if (zero != 0) x = x + static_cast<double>(zero);
  body.output("y", ir::cast(x, dtype).id);
  return std::make_shared<const ir::Graph>(std::move(body));
}

TEST(Int8, RequantisesAsTheEpilogueSays) {
  for (const auto& [x, dtype] : {std::pair{DType::u8, DType::u8},
                                 {DType::u8, DType::i8},
                                 {DType::i8, DType::u8},
                                 {DType::i8, DType::i8}})
    for (const float zero : {0.0F, 100.0F, -100.0F})
      for (const bool relu : {false, true})
        for (const float special : {0.001F, 1e30F, -1e30F, INFINITY, NAN}) {
          const int64_t rows = 37, depth = 20, cols = 45;
          std::vector<float> factors(cols);
          std::vector<int32_t> bias(cols);
          for (int64_t j = 0; j < cols; ++j) {
            factors[static_cast<size_t>(j)] = 0.0005F * static_cast<float>(j - 3);
            bias[static_cast<size_t>(j)] = static_cast<int32_t>(1000 * (j - 20));
          }
          bias[41] = INT32_MAX;
          factors[40] = special;
          const NodeCase c(
              ir::op::matmul,
              {extreme_bytes(x, {rows, depth}, 1), extreme_bytes(DType::i8, {depth, cols}, 2),
               Tensor::from<int32_t>({cols}, bias), Tensor::from<float>({cols}, factors)},
              {{"epilogue", requantisation({rows, cols}, relu, zero, dtype)}});
          EXPECT_EQ(check_against_reference(c), 1) << special;
        }
}

TEST(Int8, RequantisesDepthwiseConvolutions) {
  for (const DType dtype : {DType::u8, DType::i8})
    for (const auto& [channels, stride] : {std::pair{16, 1}, {50, 2}, {130, 1}})
      for (const float greatest : {0.5F, 0x1.fffffep-1F, 1.0F, 1.5F}) {
        std::vector<float> factors(static_cast<size_t>(channels), 0.004F);
        std::vector<int32_t> bias(static_cast<size_t>(channels), -77);
        factors[1] = greatest;
        bias[1] = INT32_MAX;
        ir::Attrs attrs = conv_attrs({1, 2, 0, 3}, channels, 77);
        attrs.set("stride", ir::Ints{1, stride});
        const NodeCase plain(ir::op::conv2d,
                             {extreme_bytes(DType::u8, {2, 9, 12, channels}, 3),
                              extreme_bytes(DType::i8, {3, 3, 1, channels}, 4)},
                             attrs);
        attrs.set("epilogue", requantisation(by_reference(plain)[0].shape(), false, 9, dtype));
        const NodeCase c(
            ir::op::conv2d,
            {extreme_bytes(DType::u8, {2, 9, 12, channels}, 3),
             extreme_bytes(DType::i8, {3, 3, 1, channels}, 4),
             Tensor::from<int32_t>({channels}, bias), Tensor::from<float>({channels}, factors)},
            attrs);
        EXPECT_EQ(check_against_reference(c), 1) << channels << " " << greatest;
      }
}

/// The residual form: bytes of sums are added to others, and the sum is bytes again.
ir::Region residual(const Shape& loop, bool relu, bool swap, DType inner, DType other,
                    DType dtype) {
  ir::Graph body("residual");
  const int64_t cols = loop[loop.rank() - 1];
  const ir::Expr sum = ir::input(body, "acc", {DType::i32, loop});
  const ir::Expr factor = ir::input(body, "factor", {DType::f32, {cols}});
  const double zero = inner == DType::u8 ? 120 : -3;
  const ir::Expr q = ir::cast(ir::round(ir::cast(sum, DType::f32) * factor) + zero, inner);
  const ir::Expr mine = (ir::cast(q, DType::f32) - zero) * 0.017;
  const ir::Expr bytes = ir::input(body, "other", {other, loop});
  const ir::Expr theirs = (ir::cast(bytes, DType::f32) - 7) * 0.031;
  ir::Expr y = swap ? theirs + mine : mine + theirs;
  if (relu) y = ir::relu(y);
  body.output("y", ir::cast(ir::round(y * 23.7) + 11, dtype).id);
  return std::make_shared<const ir::Graph>(std::move(body));
}

TEST(Int8, AddsOtherBytesAsTheEpilogueSays) {
  const int64_t rows = 37, depth = 20, cols = 45;
  std::vector<float> factors(cols);
  for (int64_t j = 0; j < cols; ++j) factors[static_cast<size_t>(j)] = 0.0005F * (j - 3);
  for (const DType dtype : {DType::u8, DType::i8})
    for (const DType inner : {DType::u8, DType::i8})
      for (const DType other : {DType::u8, DType::i8})
        for (const bool relu : {false, true}) {
          const NodeCase c(
              ir::op::matmul,
              {extreme_bytes(DType::u8, {rows, depth}, 1),
               extreme_bytes(DType::i8, {depth, cols}, 2), Tensor::from<float>({cols}, factors),
               extreme_bytes(other, {rows, cols}, 3)},
              {{"epilogue", residual({rows, cols}, relu, dtype == inner, inner, other, dtype)}});
          EXPECT_EQ(check_against_reference(c), 1);
        }
}

TEST(Int8, APadValueIsWhatPaddingHolds) {
  const Tensor x = Tensor::from<int32_t>({1, 1, 1, 1}, {3}).cast(DType::u8);
  const Tensor w = Tensor::from<int32_t>({1, 3, 1, 1}, {1, 10, -100}).cast(DType::i8);
  const NodeCase c(ir::op::conv2d, {x, w}, conv_attrs({0, 1, 0, 1}, 1, 7));
  EXPECT_EQ(by_reference(c)[0].data<int32_t>()[0], 7 * 1 + 3 * 10 - 7 * 100);
}

TEST(Int8, PeakIsMeasuredByRealProducts) {
  for (const Isa isa : available_isas()) {
    if (isa < Isa::avx2 || isa == Isa::amx) continue;
    int32_t sink = 1;  // 1 x 2, and zeros beside it
    const int64_t products = dot_fns(isa).multiply_rounds(3, &sink);
    EXPECT_EQ(products % (3 * dot_fns(isa).lanes * dot_fns(isa).step), 0);
    EXPECT_EQ(sink, 1 + 2 * products / (dot_fns(isa).lanes * dot_fns(isa).step));
    EXPECT_GT(measure_int8_peak_gmacs(isa), 0.0);
  }
  EXPECT_FALSE(measure_int8_peak_gmacs(Isa::amx).has_value());
}

}  // namespace
}  // namespace hone::kernels

// What becomes integer, as text and in numbers, and what stays.
#include "passes/integer_arithmetic.h"

#include <cmath>

#include "passes/pass_test_support.h"
#include "passes/simplify.h"

namespace hone::passes {
namespace {

/// Simplified, as the pipeline has it.
ir::Graph integers(const ir::Graph& graph, const PassContext& context) {
  return simplify(integer_arithmetic(graph, context), context);
}

void expect_integers(const std::string& before, const std::string& after) {
  expect_pass(integers, "graph g {\n" + before + "\n}", "graph g {\n" + after + "\n}");
}

/// Bytes of the result differ by no more than one, and seldom: rounding decides.
void expect_near(const std::string& text) {
  const ir::Graph graph = ir::parse("graph g {\n" + text + "\n}");
  const ir::Graph now = integers(graph, {});
  const auto inputs = random_sources(graph, graph.inputs(), kernels::Values::plain, 1);
  const Tensor a = kernels::interpret(graph, inputs).outputs.at("y").cast(DType::i32);
  const Tensor b = kernels::interpret(now, inputs).outputs.at("y").cast(DType::i32);
  int64_t differ = 0;
  for (int64_t i = 0; i < a.elements(); ++i) {
    const int distance = std::abs(a.data<int32_t>()[i] - b.data<int32_t>()[i]);
    EXPECT_LE(distance, 1) << i;
    differ += distance != 0;
  }
  EXPECT_LE(differ * 20, a.elements()) << ir::to_text(now);
}

/// The value `name` of the bytes `q`.
std::string dequantised(const std::string& name, const std::string& q, const std::string& zero,
                        const std::string& scale) {
  return "%c_" + name + " = cast(%" + q + R"() {dtype="f32"})" + "\n%z_" + name + " = constant " +
         zero + " : f32[]\n%d_" + name + " = sub(%c_" + name + ", %z_" + name + ")\n%s_" + name +
         " = constant " + scale + " : f32[]\n%" + name + " = mul(%d_" + name + ", %s_" + name +
         ")\n";
}

/// The bytes `name` (u8) of a value.
std::string quantised(const std::string& name, const std::string& value, const std::string& zero,
                      const std::string& scale) {
  return "%qs_" + name + " = constant " + scale + " : f32[]\n%qd_" + name + " = div(%" + value +
         ", %qs_" + name + ")\n%qr_" + name + " = round(%qd_" + name + ")\n%qz_" + name +
         " = constant " + zero + " : f32[]\n%qa_" + name + " = add(%qr_" + name + ", %qz_" + name +
         ")\n%ql_" + name + " = constant 0 : f32[]\n%qm_" + name + " = max(%qa_" + name + ", %ql_" +
         name + ")\n%qh_" + name + " = constant 255 : f32[]\n%qn_" + name + " = min(%qm_" + name +
         ", %qh_" + name + ")\n%" + name + " = cast(%qn_" + name + R"() {dtype="u8"})" + "\n";
}

const std::string kMatmul = R"(
  %q = input "q" : u8[2,3]
  %w8 = constant [1, -2, 3, -4, 5, -6] : i8[3,2]
  %cw = cast(%w8) {dtype="f32"}
  %sw = constant [0.5, 0.25] : f32[2]
  %w = mul(%cw, %sw)
  %b32 = constant [7, -9] : i32[2]
  %cb = cast(%b32) {dtype="f32"}
  %sb = constant [0.125, 0.0625] : f32[2]
  %b = mul(%cb, %sb)
)";

TEST(IntegerArithmetic, AProductBetweenDequantisingAndQuantising) {
  expect_integers(kMatmul + dequantised("x", "q", "2", "0.25") + R"(
  %m = matmul(%x, %w) "dense"
  %n = add(%m, %b)
  %r = relu(%n)
)" + quantised("y", "r", "0", "0.5") +
                      "output \"y\" = %y",
                  R"(
  %q = input "q" : u8[2,3]
  %w8 = constant [1, -2, 3, -4, 5, -6] : i8[3,2]
  %m = matmul(%q, %w8) "dense"
  %shift = constant [-11, 15] : i32[2]
  %n = add(%m, %shift)
  %f = cast(%n) {dtype="f32"}
  %k = constant [0.25, 0.125] : f32[2]
  %s = mul(%f, %k)
  %r = round(%s)
  %y = cast(%r) {dtype="u8"}
  output "y" = %y)");
}

TEST(IntegerArithmetic, AConvolutionPadsWithTheZeroPoint) {
  const std::string conv =
      R"( {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], stride=[1, 1]} "conv")";
  const std::string padded =
      R"( {dilation=[1, 1], groups=1, layout="nchw", pad=[1, 1, 1, 1], pad_value=3, stride=[1, 1]} "conv")";
  expect_integers(R"(
  %q = input "q" : u8[N,1,4,4]
  %w8 = constant [1, -2, 3, -4, 5, -6, 7, -8, 9] : i8[1,1,3,3]
  %cw = cast(%w8) {dtype="f32"}
  %sw = constant 0.5 : f32[]
  %w = mul(%cw, %sw)
)" + dequantised("x", "q", "3", "2") +
                      "%c = conv2d(%x, %w)" + conv + "\noutput \"y\" = %c",
                  R"(
  %q = input "q" : u8[N,1,4,4]
  %w8 = constant [1, -2, 3, -4, 5, -6, 7, -8, 9] : i8[1,1,3,3]
  %m = conv2d(%q, %w8))" +
                      padded + R"(
  %shift = constant -15 : i32[]
  %n = add(%m, %shift)
  %y = cast(%n) {dtype="f32"}
  output "y" = %y)");
}

TEST(IntegerArithmetic, MaximaAndMovementsOfBytesAreOfBytes) {
  expect_integers(R"(%q = input "q" : u8[1,2,4,4])"
                  "\n" +
                      dequantised("x", "q", "3", "2") + R"(
  %p = max_pool2d(%x) {layout="nchw", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]}
  %r = reshape(%p) {shape=[1, 8]}
)" + quantised("y", "r", "3", "2") +
                      "output \"y\" = %y",
                  R"(
  %q = input "q" : u8[1,2,4,4]
  %p = max_pool2d(%q) {layout="nchw", pad=[0, 0, 0, 0], stride=[2, 2], window=[2, 2]}
  %y = reshape(%p) {shape=[1, 8]}
  output "y" = %y)");
}

// A window that is all padding has the maximum -inf, which no byte is.
TEST(IntegerArithmetic, AWindowOfPaddingStaysAmongFloats) {
  const ir::Graph graph = ir::parse("graph g {\n%q = input \"q\" : u8[1,2,4,4]\n" +
                                    dequantised("x", "q", "3", "2") + R"(
  %p = max_pool2d(%x) {layout="nchw", pad=[2, 0, 0, 0], stride=[2, 2], window=[2, 2]}
  output "y" = %p
})");
  EXPECT_EQ(ir::to_text(integer_arithmetic(graph, {})), ir::to_text(graph));
}

TEST(IntegerArithmetic, AnUnsignedWeightAround128IsASignedOne) {
  expect_integers(R"(
  %q = input "q" : u8[2,2]
  %w8 = constant [0, 128, 129, 255] : u8[2,2]
)" + dequantised("x", "q", "0", "1") +
                      dequantised("w", "w8", "128", "1") + "%m = matmul(%x, %w)\noutput \"y\" = %m",
                  R"(
  %q = input "q" : u8[2,2]
  %w8 = constant [-128, 0, 1, 127] : i8[2,2]
  %m = matmul(%q, %w8)
  %y = cast(%m) {dtype="f32"}
  output "y" = %y)");
}

TEST(IntegerArithmetic, AWeightThatIsNotSymmetricStays) {
  const ir::Graph graph = ir::parse(
      "graph g {\n%q = input \"q\" : u8[2,2]\n%w8 = constant [0, 128, 129, 255] : u8[2,2]\n" +
      dequantised("x", "q", "0", "1") + dequantised("w", "w8", "127", "1") +
      "%m = matmul(%x, %w)\noutput \"y\" = %m\n}");
  EXPECT_EQ(ir::to_text(integer_arithmetic(graph, {})), ir::to_text(graph));
}

TEST(IntegerArithmetic, TheNumbersStay) {
  const std::string product =
      kMatmul + dequantised("x", "q", "2", "0.25") + "%m = matmul(%x, %w)\n";
  const std::string end = "output \"y\" = %y";
  expect_near(product + quantised("y", "m", "100", "0.3") + end);
  expect_near(product + "%n = add(%b, %m)\n%r = relu(%n)\n" + quantised("y", "r", "17", "0.3") +
              end);
  // A residual: what was quantised, dequantised again, and added.
  expect_near(product + quantised("q1", "m", "100", "0.3") + dequantised("x1", "q1", "100", "0.3") +
              "%f = constant 0.7 : f32[]\n%n = mul(%m, %f)\n%a = add(%x1, %n)\n" +
              quantised("y", "a", "50", "0.41") + end);
}

}  // namespace
}  // namespace hone::passes

// The composed functions (ir/expr_math.h) against libm in double precision.
#include "ir/expr_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/interpreter.h"

namespace hone::kernels {
namespace {

using ir::Expr;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class F>
Tensor evaluate(const std::vector<Tensor>& operands, F f) {
  ir::Graph g("g");
  std::map<std::string, Tensor> inputs;
  std::vector<Expr> x;
  for (const Tensor& t : operands) {
    const std::string name = fmt::format("x{}", x.size());
    inputs[name] = t;
    x.push_back(ir::input(g, name, t.type()));
  }
  g.output("y", f(x).id);
  return interpret(g, inputs).outputs.at("y");
}

struct MathCase {
  const char* name;
  Expr (*composed)(Expr);
  double (*exact)(double);
  double low, high;
};

TEST(ExprMath, KeepsItsAccuracy) {
  const MathCase cases[] = {{"tan", ir::tan, std::tan, -1.5, 1.5},
                            {"cosh", ir::cosh, std::cosh, -89, 89},
                            {"sinh", ir::sinh, std::sinh, -89, 89},
                            {"log1p", ir::log1p, std::log1p, -0.999, 1e30},
                            {"asin", ir::asin, std::asin, -1, 1},
                            {"acos", ir::acos, std::acos, -1, 1},
                            {"asinh", ir::asinh, std::asinh, -3e38, 3e38},
                            {"acosh", ir::acosh, std::acosh, 1, 3e38},
                            {"atanh", ir::atanh, std::atanh, -0.9999, 0.9999}};
  for (const MathCase& c : cases) {
    std::vector<float> xs;
    for (double magnitude = 1e-30; magnitude < 3.4e38; magnitude *= 1.37)
      for (double x : {magnitude, -magnitude, 1 - magnitude})
        if (x >= c.low && x <= c.high) xs.push_back(static_cast<float>(x));
    const Tensor x = Tensor::from<float>({static_cast<int64_t>(xs.size())}, xs);
    const Tensor y = evaluate({x}, [&](const std::vector<Expr>& in) { return c.composed(in[0]); });
    for (size_t i = 0; i < xs.size(); ++i) {
      const double want = c.exact(xs[i]);
      ASSERT_NEAR(y.data<float>()[i], want, std::fabs(want) * 0x1p-21 + 1e-45)
          << c.name << " of " << xs[i];
    }
  }
}

float at(Expr (*f)(Expr), float x) {
  return evaluate({Tensor::scalar(x)}, [&](const std::vector<Expr>& in) { return f(in[0]); })
      .data<float>()[0];
}

TEST(ExprMath, Specials) {
  EXPECT_EQ(at(ir::log1p, -1), -kInf);
  EXPECT_EQ(at(ir::log1p, kInf), kInf);
  EXPECT_EQ(at(ir::asin, 1), static_cast<float>(std::asin(1.0)));
  EXPECT_EQ(at(ir::acos, -1), static_cast<float>(std::acos(-1.0)));
  EXPECT_EQ(at(ir::acos, 1), 0);
  EXPECT_EQ(at(ir::atanh, 1), kInf);
  EXPECT_EQ(at(ir::atanh, -1), -kInf);
  EXPECT_EQ(at(ir::cosh, -kInf), kInf);
  EXPECT_EQ(at(ir::sinh, -kInf), -kInf);
  EXPECT_EQ(at(ir::asinh, -kInf), -kInf);
  EXPECT_EQ(at(ir::ceil, 1.5f), 2);
  EXPECT_EQ(at(ir::ceil, -1.5f), -1);
  EXPECT_EQ(at(ir::sign, -3), -1);
  EXPECT_EQ(at(ir::sign, 0), 0);
  for (auto f : {ir::asin, ir::acos, ir::acosh, ir::atanh, ir::log1p})
    EXPECT_TRUE(std::isnan(at(f, -2)));
  EXPECT_TRUE(std::isnan(at(ir::sign, kNan)));
}

TEST(ExprMath, LogicAndRemainders) {
  const Tensor a = Tensor::from<bool>({4}, {false, false, true, true});
  const Tensor b = Tensor::from<bool>({4}, {false, true, false, true});
  const auto logic = [&](Expr (*f)(Expr, Expr), const std::vector<bool>& expected) {
    const Tensor y = evaluate({a, b}, [&](const std::vector<Expr>& in) { return f(in[0], in[1]); });
    EXPECT_TRUE(y.same_bits(Tensor::from<bool>({4}, expected)));
  };
  logic(ir::logical_and, {false, false, false, true});
  logic(ir::logical_or, {false, true, true, true});
  logic(ir::logical_xor, {false, true, true, false});
  const Tensor x = Tensor::from<int32_t>({6}, {-4, 7, 5, 4, -7, 8});
  const Tensor y = Tensor::from<int32_t>({6}, {2, -3, 8, -2, 3, 5});
  EXPECT_TRUE(evaluate({x, y}, [](const std::vector<Expr>& in) {
                return ir::floor_mod(in[0], in[1]);
              }).same_bits(Tensor::from<int32_t>({6}, {0, -2, 5, 0, 2, 3})));
  const Tensor u = Tensor::from<uint8_t>({4}, {255, 16, 1, 9}),
               bits = Tensor::from<uint8_t>({4}, {1, 4, 8, 0});
  EXPECT_TRUE(evaluate({u, bits}, [](const std::vector<Expr>& in) {
                return ir::shift_left(in[0], in[1]);
              }).same_bits(Tensor::from<uint8_t>({4}, {254, 0, 0, 9})));
  EXPECT_TRUE(evaluate({u, bits}, [](const std::vector<Expr>& in) {
                return ir::shift_right(in[0], in[1]);
              }).same_bits(Tensor::from<uint8_t>({4}, {127, 1, 0, 9})));
  const Tensor z = Tensor::from<float>({3}, {1, kNan, 2});
  EXPECT_TRUE(evaluate({z}, [](const std::vector<Expr>& in) {
                return ir::is_nan(in[0]);
              }).same_bits(Tensor::from<bool>({3}, {false, true, false})));
  EXPECT_TRUE(evaluate({z, Tensor::scalar(2)}, [](const std::vector<Expr>& in) {
                return ir::greater_or_equal(in[0], in[1]);
              }).same_bits(Tensor::from<bool>({3}, {false, false, true})));
}

}  // namespace
}  // namespace hone::kernels

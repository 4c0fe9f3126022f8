// The gradient rules. Each is the chain rule of its op, for dy = dL/dy.
//
// At the kinks: relu and abs have gradient 0 at 0; of equal operands the first takes the gradient
// of max and min; reduce_max shares it equally among equal maxima; max_pool2d gives it to the first
// maximum of a window.
#include "passes/gradients.h"

#include <numbers>

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::apply;
using ir::Attrs;
using ir::Expr;
using ir::Ints;

// Elementwise.

Expr d_same(const Step& s) { return s.dy; }
Expr d_negated(const Step& s) { return -s.dy; }
Expr d_abs(const Step& s) {
  const Expr zero = scalar_like(s.dy, 0);
  return select(greater(s.x[0], zero), s.dy, select(greater(zero, s.x[0]), -s.dy, zero));
}
Expr d_exp(const Step& s) { return s.dy * s.y; }
Expr d_log(const Step& s) { return s.dy / s.x[0]; }
Expr d_sqrt(const Step& s) { return s.dy / (2 * s.y); }
Expr d_tanh(const Step& s) { return s.dy * (1 - s.y * s.y); }
Expr d_sigmoid(const Step& s) { return s.dy * (s.y * (1 - s.y)); }
Expr d_erf(const Step& s) {
  return s.dy * (2 * std::numbers::inv_sqrtpi * exp(-(s.x[0] * s.x[0])));
}
Expr d_cos(const Step& s) { return -(s.dy * sin(s.x[0])); }
Expr d_sin(const Step& s) { return s.dy * cos(s.x[0]); }
Expr d_atan(const Step& s) { return s.dy / (1 + s.x[0] * s.x[0]); }
Expr d_pow_base(const Step& s) { return s.dy * (s.x[1] * pow(s.x[0], s.x[1] - 1)); }
// Only positive bases have a power for every exponent around.
Expr d_pow_exponent(const Step& s) {
  return select(greater(s.x[0], 0), s.dy * s.y * log(s.x[0]), scalar_like(s.dy, 0));
}
// By y and not x, so that x need not be kept (it may be a convolution whose epilogue is relu).
Expr d_relu(const Step& s) { return select(greater(s.y, 0), s.dy, scalar_like(s.dy, 0)); }
Expr d_times_right(const Step& s) { return s.dy * s.x[1]; }
Expr d_times_left(const Step& s) { return s.dy * s.x[0]; }
Expr d_numerator(const Step& s) { return s.dy / s.x[1]; }
Expr d_denominator(const Step& s) { return -(s.dy * s.y / s.x[1]); }
Expr where(Expr condition, Expr dy) { return select(condition, dy, scalar_like(dy, 0)); }
Expr where_not(Expr condition, Expr dy) { return select(condition, scalar_like(dy, 0), dy); }
Expr d_max_left(const Step& s) { return where_not(greater(s.x[1], s.x[0]), s.dy); }
Expr d_max_right(const Step& s) { return where(greater(s.x[1], s.x[0]), s.dy); }
Expr d_min_left(const Step& s) { return where_not(greater(s.x[0], s.x[1]), s.dy); }
Expr d_min_right(const Step& s) { return where(greater(s.x[0], s.x[1]), s.dy); }
Expr d_if_true(const Step& s) { return where(s.x[0], s.dy); }
Expr d_if_false(const Step& s) { return where_not(s.x[0], s.dy); }
Expr d_cast(const Step& s) { return cast(s.dy, s.x[0].dtype()); }

// Movement.

Expr d_reshape(const Step& s) { return reshape(s.dy, s.x[0].shape()); }
Expr d_transpose(const Step& s) {
  const Ints& perm = s.attrs.ints("perm");
  Ints inverse(perm.size());
  for (size_t i = 0; i < perm.size(); ++i)
    inverse[static_cast<size_t>(perm[i])] = static_cast<int64_t>(i);
  return transpose(s.dy, inverse);
}
Expr d_concat(const Step& s) {
  const int axis = static_cast<int>(s.attrs.integer("axis"));
  int64_t begin = 0;
  for (size_t i = 0; i < s.operand; ++i) begin += s.x[i].shape()[axis];
  return slice(s.dy, axis, begin, begin + s.x[s.operand].shape()[axis]);
}
Expr d_slice(const Step& s) {
  const int axis = static_cast<int>(s.attrs.integer("axis"));
  const int64_t after = s.x[0].shape()[axis] - s.attrs.integer("end");
  return pad(s.dy, axis, s.attrs.integer("begin"), after);
}
Expr d_pad(const Step& s) {
  const int axis = static_cast<int>(s.attrs.integer("axis"));
  const int64_t before = s.attrs.integer("before");
  return slice(s.dy, axis, before, before + s.x[0].shape()[axis]);
}

Expr d_gather(const Step& s) {
  return apply(op::scatter_add, {s.dy, s.x[1]},
               {{"axis", s.attrs.integer("axis")}, {"shape", s.x[0].shape().dims()}});
}
Expr d_scatter_add(const Step& s) { return gather(s.dy, s.x[1], s.attrs.integer("axis")); }

// Reductions.

/// `reduced` with the reduced axes of x as 1, so that it broadcasts against x.
Expr kept(const Step& s, Expr reduced) {
  Shape shape = s.x[0].shape();
  for (int64_t axis : s.attrs.ints("axes")) shape[static_cast<int>(axis)] = 1;
  return reshape(reduced, shape);
}
Expr d_reduce_sum(const Step& s) { return broadcast(kept(s, s.dy), s.x[0].shape()); }
Expr d_reduce_max(const Step& s) {
  const Expr hits = cast(equal(s.x[0], kept(s, s.y)), s.dy.dtype());
  return hits * (kept(s, s.dy) / reduce_sum(hits, s.attrs.ints("axes"), true));
}
// Where x is 0 it divides by it: products with zeros have no gradient here.
Expr d_reduce_prod(const Step& s) { return kept(s, s.dy * s.y) / s.x[0]; }
Expr d_cumsum(const Step& s) {
  return cumsum(s.dy, s.attrs.integer("axis"), s.attrs.flag("exclusive"), !s.attrs.flag("reverse"));
}
Expr d_moments(const Step& s) {
  const Expr x = s.x[0], mean = s.ys[0], dmean = s.dys[0], dm2 = s.dys[1];
  // d M2/dx = 2 (x - mean): the part that goes through the mean is the sum of deviations, 0.
  const Expr by_m2 = dm2 ? 2 * dm2 * (x - mean) : Expr{};
  if (!dmean) return by_m2;
  const Expr by_mean = dmean / count(x, s.attrs.ints("axes"));
  return by_m2 ? by_m2 + by_mean : broadcast(by_mean, x.shape());
}

// Contractions.

Expr d_matmul_left(const Step& s) {
  const bool ta = s.attrs.flag("trans_a"), tb = s.attrs.flag("trans_b");
  return ta ? matmul(s.x[1], s.dy, tb, true) : matmul(s.dy, s.x[1], false, !tb);
}
/// The left operand, or the numbers that its bytes stand for.
Expr left_numbers(const Step& s) {
  if (s.x[0].dtype() != DType::u8) return s.x[0];
  return (cast(s.x[0], s.dy.dtype()) - s.attrs.get_or("zero", 0.0)) * s.attrs.get_or("scale", 1.0);
}
Expr d_matmul_right(const Step& s) {
  const bool ta = s.attrs.flag("trans_a"), tb = s.attrs.flag("trans_b");
  const Expr left = left_numbers(s);
  return tb ? matmul(s.dy, left, true, ta) : matmul(left, s.dy, !ta, false);
}

/// Those of the attributes called `names` that are there, and the shape of `like` for the ops that
/// need to be told it.
Attrs window_attrs(const Step& s, std::initializer_list<std::string_view> names) {
  Attrs attrs;
  for (std::string_view name : names)
    if (const ir::Attr* attr = s.attrs.find(name)) attrs.set(name, *attr);
  return attrs;
}
Attrs with_shape(Attrs attrs, Expr like) {
  attrs.set("shape", like.shape().dims());
  return attrs;
}
Attrs conv_attrs(const Step& s) {
  return window_attrs(s, {"stride", "pad", "dilation", "groups", "layout"});
}

// y = conv(x, w) is linear in x and in w, and so are its two gradient ops in theirs: the three ops
// are closed under differentiation.
Expr conv(const Step& s, Expr x, Expr w) { return apply(op::conv2d, {x, w}, conv_attrs(s)); }
Expr conv_grad_input(const Step& s, Expr dy, Expr w, Expr x) {
  return apply(op::conv2d_grad_input, {dy, w}, with_shape(conv_attrs(s), x));
}
Expr conv_grad_weight(const Step& s, Expr x, Expr dy, Expr w) {
  return apply(op::conv2d_grad_weight, {x, dy}, with_shape(conv_attrs(s), w));
}
Expr d_conv_x(const Step& s) { return conv_grad_input(s, s.dy, s.x[1], s.x[0]); }
Expr d_conv_w(const Step& s) { return conv_grad_weight(s, s.x[0], s.dy, s.x[1]); }
Expr d_grad_input_dy(const Step& s) { return conv(s, s.dy, s.x[1]); }
Expr d_grad_input_w(const Step& s) { return conv_grad_weight(s, s.dy, s.x[0], s.x[1]); }
Expr d_grad_weight_x(const Step& s) { return conv_grad_input(s, s.x[1], s.dy, s.x[0]); }
Expr d_grad_weight_dy(const Step& s) { return conv(s, s.x[0], s.dy); }

// Windows.

Expr d_max_pool(const Step& s) {
  return apply(op::max_pool2d_grad, {s.x[0], s.dy},
               window_attrs(s, {"window", "stride", "pad", "dilation", "layout"}));
}
Attrs average_attrs(const Step& s) {
  return window_attrs(s, {"window", "stride", "pad", "dilation", "layout", "count_pad"});
}
Expr d_avg_pool(const Step& s) {
  return apply(op::avg_pool2d_grad, {s.dy}, with_shape(average_attrs(s), s.x[0]));
}
Expr d_avg_pool_grad(const Step& s) { return apply(op::avg_pool2d, {s.dy}, average_attrs(s)); }

}  // namespace

std::span<const GradientRow> gradient_rows() {
  static const std::vector<GradientRow> rows = {
      {&op::neg, {d_negated}},
      {&op::abs, {d_abs}},
      {&op::exp, {d_exp}},
      {&op::log, {d_log}},
      {&op::sqrt, {d_sqrt}},
      {&op::tanh, {d_tanh}},
      {&op::sigmoid, {d_sigmoid}},
      {&op::erf, {d_erf}},
      {&op::cos, {d_cos}},
      {&op::sin, {d_sin}},
      {&op::atan, {d_atan}},
      {&op::relu, {d_relu}},
      {&op::add, {d_same, d_same}},
      {&op::sub, {d_same, d_negated}},
      {&op::mul, {d_times_right, d_times_left}},
      {&op::div, {d_numerator, d_denominator}},
      {&op::max, {d_max_left, d_max_right}},
      {&op::min, {d_min_left, d_min_right}},
      {&op::pow, {d_pow_base, d_pow_exponent}},
      {&op::select, {nullptr, d_if_true, d_if_false}},
      {&op::cast, {d_cast}},

      {&op::reshape, {d_reshape}},
      {&op::transpose, {d_transpose}},
      {&op::broadcast, {d_same}},
      {&op::concat, {d_concat}},
      {&op::slice, {d_slice}},
      {&op::pad, {d_pad}},
      {&op::gather, {d_gather, nullptr}},
      {&op::scatter_add, {d_scatter_add, nullptr}},

      {&op::reduce_sum, {d_reduce_sum}},
      {&op::reduce_max, {d_reduce_max}},
      {&op::reduce_prod, {d_reduce_prod}},
      {&op::cumsum, {d_cumsum}},
      {&op::moments, {d_moments}},

      {&op::matmul, {d_matmul_left, d_matmul_right}},
      {&op::conv2d, {d_conv_x, d_conv_w}},
      {&op::conv2d_grad_input, {d_grad_input_dy, d_grad_input_w}},
      {&op::conv2d_grad_weight, {d_grad_weight_x, d_grad_weight_dy}},

      {&op::max_pool2d, {d_max_pool}},
      {&op::avg_pool2d, {d_avg_pool}},
      {&op::avg_pool2d_grad, {d_avg_pool_grad}},

      // Constants to differentiation: sources, and what is flat almost everywhere.
      {&op::input, {}},
      {&op::state, {}},
      {&op::constant, {}},
      {&op::floor, {}},
      {&op::round, {}},
      {&op::equal, {}},
      {&op::greater, {}},
      {&op::one_hot, {}},
      {&op::dim, {}},
      {&op::argmax, {}},
      {&op::random_uniform, {}},
      {&op::unpack, {}},  // only constants are packed
  };
  return rows;
}

const GradientRow* find_gradient(const ir::OpSpec& op) {
  for (const GradientRow& row : gradient_rows())
    if (row.op == &op) return &row;
  return nullptr;
}

std::span<const NotDifferentiable> not_differentiable() {
  constexpr std::string_view kPrepared = "differentiate before choosing transforms";
  static const std::vector<NotDifferentiable> ops = {
      {&op::fused, "differentiate before fusing"},
      {&op::winograd_filter, kPrepared},
      {&op::winograd_conv2d, kPrepared},
      {&op::mod, "it jumps wherever the quotient is whole"},
      {&op::topk, "gather the values by its indices, and differentiate that"},
      {&op::max_pool2d_grad, "the second derivative of max_pool2d is not offered"},
  };
  return ops;
}

Expr sum_to(Expr gradient, Shape shape) {
  const Shape from = gradient.shape();
  const int leading = from.rank() - shape.rank();
  Ints axes;
  for (int i = 0; i < from.rank(); ++i)
    if (i < leading || (shape[i - leading] == 1 && from[i] != 1)) axes.push_back(i);
  if (!axes.empty()) gradient = reduce_sum(gradient, axes);
  return reshape(gradient, std::move(shape));
}

}  // namespace hone::passes

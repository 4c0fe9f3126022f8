// One sweep in topological order; each node looks at its operands in the graph being built, where
// what is dequantised, or a sum times its factor, is seen again.
#include "passes/integer_arithmetic.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "ir/expr.h"
#include "ir/quantized.h"
#include "ir/rewrite.h"
#include "passes/known_value.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Expr;
using ir::Graph;
using ir::kNoValue;
using ir::Node;
using ir::ValueId;

/// Bytes q that stand for (q - zero) * scale.
struct Bytes {
  Expr q;
  float zero, scale;
};

/// A weight of bytes, symmetric around 0.
struct Weight {
  Tensor q;                  ///< i8
  int columns;               ///< the axis of its output channels
  std::vector<float> scale;  ///< of each channel, or one for all
};

/// An i32 value `sum`, of which (sum + shift) * factor is a value of the graph; the shift, if there
/// is one, and the factor have a number for each channel or one for all.
struct ScaledSum {
  Expr sum;
  std::vector<int32_t> shift;
  std::vector<float> factor;
};

/// The same as a value of the graph, and the contraction that gave it.
struct Tracked {
  ScaledSum value;
  const Node* contraction;
};

class IntegerArithmetic {
 public:
  explicit IntegerArithmetic(const Graph& graph) : from_(graph), rewriter_(graph) {}

  Graph run() {
    for (const Node& node : from_.nodes()) {
      const std::optional<Expr> better = rewrite(node);
      if (better) rewriter_.replace(node.results[0], better->id);
      else rewriter_.copy(node);
    }
    return ir::without_dead_nodes(rewriter_.finish());
  }

 private:
  Graph& to() { return rewriter_.to(); }
  Expr now(ValueId old) { return {&to(), rewriter_(old)}; }

  std::optional<Expr> rewrite(const Node& node) {
    if (node.is(op::conv2d) || node.is(op::matmul)) return contraction(node);
    if (node.is(op::add)) return biased(node);
    if (node.is(op::max_pool2d)) return pooled(node);
    if (node.is(op::reshape) || node.is(op::transpose) || node.is(op::slice)) return moved(node);
    if (node.is(op::cast)) return quantised(node);
    return {};
  }

  std::optional<float> number(ValueId v) { return known_number(to(), v); }

  /// What a value stands for, if all its bytes do alike.
  std::optional<Bytes> bytes_of(const Expr& e) {
    const auto found = ir::find_dequantized(to(), e.id);
    if (!found || size_of(to().type(found->q).dtype) != 1) return {};
    const auto scale = number(found->scale);
    const auto zero = found->zero == kNoValue ? std::optional(0.0f) : number(found->zero);
    if (!scale || !zero || !(*scale > 0) || !is_byte(*zero, to().type(found->q).dtype)) return {};
    return Bytes{{&to(), found->q}, *zero, *scale};
  }

  static bool is_byte(float x, DType dtype) {
    const ir::ByteRange range = ir::byte_range(dtype);
    return x == std::floor(x) && x >= static_cast<float>(range.low) &&
           x <= static_cast<float>(range.high);
  }

  Expr dequantised(const Bytes& b, const std::string& name) {
    return ir::apply(op::mul, {ir::cast(b.q, DType::f32) - b.zero, number_of(b.scale)}, {}, name);
  }
  Expr number_of(float value) { return ir::constant(to(), Tensor::scalar(value)); }

  std::optional<Weight> weight_of(const Node& node, const Expr& e) {
    const auto found = ir::find_dequantized(to(), e.id);
    if (!found || !to().produced_by(found->q, op::constant)) return {};
    const auto scale = known_value(to(), found->scale);
    const auto zero =
        found->zero == kNoValue ? std::optional<Tensor>() : known_value(to(), found->zero);
    if (!scale || (found->zero != kNoValue && !zero)) return {};
    const Shape& shape = to().shape(found->q);
    const bool conv = node.is(op::conv2d);
    if (!conv && shape.rank() != 2) return {};
    Weight w{to().producer(found->q).attrs.get<Tensor>("value"),
             conv || node.attrs.flag("trans_b") ? 0 : 1,
             {}};
    if (!is_along(scale->shape(), shape, w.columns)) return {};
    // An unsigned weight around 128 is a signed one around 0.
    const float middle = w.q.dtype() == DType::u8 ? 128 : 0;
    if (w.q.dtype() == DType::u8 && !zero) return {};
    if (zero)
      for (int64_t i = 0; i < zero->elements(); ++i)
        if (zero->data<float>()[i] != middle) return {};
    if (w.q.dtype() == DType::u8) w.q = around_zero(w.q);
    w.scale.assign(scale->data<float>(), scale->data<float>() + scale->elements());
    return w;
  }

  static Tensor around_zero(const Tensor& bytes) {
    Tensor out(DType::i8, bytes.shape());
    for (int64_t i = 0; i < bytes.elements(); ++i)
      out.data<int8_t>()[i] = static_cast<int8_t>(bytes.data<uint8_t>()[i] - 128);
    return out;
  }

  /// True if a value of shape `vector` broadcast to `shape` is one number or varies along `axis`.
  static bool is_along(const Shape& vector, const Shape& shape, int axis) {
    for (int i = 0; i < vector.rank(); ++i)
      if (vector[i] != 1 && (i + shape.rank() - vector.rank() != axis || vector[i] != shape[axis]))
        return false;
    return vector.rank() <= shape.rank();
  }

  static std::vector<int64_t> sums_of(const Weight& w) {
    const Shape& shape = w.q.shape();
    const int64_t inner = w.columns == 0 ? w.q.elements() / std::max<int64_t>(1, shape[0]) : 1;
    std::vector<int64_t> sums(static_cast<size_t>(shape[w.columns]), 0);
    for (int64_t i = 0; i < w.q.elements(); ++i)
      sums[static_cast<size_t>(i / inner % shape[w.columns])] += w.q.data<int8_t>()[i];
    return sums;
  }

  /// Numbers for each channel of a contraction's result, in shape to be broadcast to it.
  template <class T>
  Expr per_channel(const std::vector<T>& values, const Node& contraction) {
    const auto n = static_cast<int64_t>(values.size());
    const Shape shape = n == 1 ? Shape{} : contraction.is(op::conv2d) ? Shape{n, 1, 1} : Shape{n};
    return ir::constant(to(), Tensor::from<T>(shape, values));
  }

  std::optional<Expr> contraction(const Node& node) {
    const bool plain = node.operands.size() == 2 && !node.attrs.has("epilogue") &&
                       !node.attrs.has("shards") && !node.attrs.flag("trans_a") &&
                       (!node.is(op::conv2d) || node.attrs.get<std::string>("layout") == "nchw");
    if (!plain) return {};
    const std::optional<Bytes> x = bytes_of(now(node.operands[0]));
    const std::optional<Weight> w = x ? weight_of(node, now(node.operands[1])) : std::nullopt;
    if (!w) return {};
    ir::Attrs attrs = node.attrs;
    const auto zero = static_cast<int64_t>(x->zero);
    if (node.is(op::conv2d) && zero != 0) attrs.set("pad_value", zero);
    const Expr sum = ir::apply(*node.op, {x->q, ir::constant(to(), w->q, name_of_weight(node))},
                               std::move(attrs), node.name);
    ScaledSum scaled_sum{sum, {}, {}};
    for (float scale : w->scale) scaled_sum.factor.push_back(x->scale * scale);
    if (zero != 0)
      for (int64_t s : sums_of(*w)) scaled_sum.shift.push_back(static_cast<int32_t>(-zero * s));
    const Expr y = value_of(scaled_sum, node);
    sums_[y.id] = {std::move(scaled_sum), &node};
    return y;
  }

  std::string name_of_weight(const Node& node) {
    const auto found = ir::find_dequantized(to(), rewriter_(node.operands[1]));
    return to().producer(found->q).name;
  }

  Expr value_of(const ScaledSum& s, const Node& contraction) {
    const Expr sum = s.shift.empty() ? s.sum : s.sum + per_channel(s.shift, contraction);
    const Expr real = ir::cast(sum, DType::f32);
    return real * per_channel(s.factor, contraction);
  }

  /// The numbers that a bias of integers stands for; one of f32 stays one.
  std::optional<Tensor> integer_bias(ValueId v) {
    const ValueId vector = to().produced_by(v, op::reshape) ? to().producer(v).operands[0] : v;
    const auto found = ir::find_dequantized(to(), vector);
    if (!found || to().type(found->q).dtype != DType::i32) return {};
    return known_value(to(), v);
  }

  /// sum * factor + bias as (sum + bias / factor) * factor, where that is an integer of 31 bits.
  std::optional<Expr> biased(const Node& node) {
    for (const size_t i : {size_t{0}, size_t{1}})
      if (const auto at = sums_.find(rewriter_(node.operands[i])); at != sums_.end())
        return biased(node, at->second, rewriter_(node.operands[1 - i]));
    return {};
  }

  std::optional<Expr> biased(const Node& node, const Tracked& tracked, ValueId added) {
    const auto [scaled_sum, contraction] = tracked;
    const std::optional<Tensor> bias = integer_bias(added);
    const Shape& shape = from_.shape(node.results[0]);
    const int channel = contraction->is(op::conv2d) ? 1 : shape.rank() - 1;
    if (!bias || !is_along(bias->shape(), shape, channel)) return {};
    const auto channels = static_cast<size_t>(shape[channel]);
    const auto at_channel = [&](const auto& numbers, size_t n, size_t i) {
      return n == 0 ? 0.0 : static_cast<double>(numbers[n == 1 ? 0 : i]);
    };
    ScaledSum sum = scaled_sum;
    sum.shift.resize(channels);
    for (size_t i = 0; i < channels; ++i) {
      const double b = at_channel(bias->data<float>(), static_cast<size_t>(bias->elements()), i);
      const double units = std::nearbyint(b / at_channel(sum.factor, sum.factor.size(), i)) +
                           at_channel(scaled_sum.shift, scaled_sum.shift.size(), i);
      if (!(std::abs(units) < 0x1p30)) return {};
      sum.shift[i] = static_cast<int32_t>(units);
    }
    const Expr y = value_of(sum, *contraction);
    sums_[y.id] = {std::move(sum), contraction};
    return y;
  }

  std::optional<Expr> pooled(const Node& node) {
    const ir::Ints& window = node.attrs.ints("window");
    const ir::Ints& pad = node.attrs.ints("pad");
    bool has_place = !node.attrs.has("dilation");  // in every window
    for (size_t i = 0; i < 4; ++i) has_place = has_place && pad[i] < window[i % 2];
    return has_place ? moved(node) : std::nullopt;
  }

  std::optional<Expr> moved(const Node& node) {
    const std::optional<Bytes> x = bytes_of(now(node.operands[0]));
    if (!x) return {};
    const Expr q = ir::apply(*node.op, {x->q}, node.attrs, node.name);
    return dequantised({q, x->zero, x->scale}, node.name);
  }

  std::optional<Expr> quantised(const Node& node) {
    const auto found = ir::find_quantized(from_, node.results[0]);
    if (!found) return {};
    const auto scale = number(rewriter_(found->scale)), zero = number(rewriter_(found->zero));
    if (!scale || !zero || !(*scale > 0) || !std::isfinite(1 / *scale)) return {};
    const DType dtype = from_.type(node.results[0]).dtype;
    Expr x = now(found->x);
    const std::optional<Bytes> same = bytes_of(x);
    if (same && same->q.dtype() == dtype && same->zero == *zero && same->scale == *scale)
      return same->q;
    const bool cuts_negative = *zero == static_cast<float>(ir::byte_range(dtype).low);
    const bool relu = to().produced_by(x.id, op::relu);
    if (relu) x = {&to(), to().producer(x.id).operands[0]};
    const auto sum = sums_.find(x.id);
    if (sum != sums_.end()) {
      const auto [scaled_sum, contraction] = sum->second;
      ScaledSum quotient = scaled_sum;
      for (float& f : quotient.factor) f /= *scale;
      x = value_of(quotient, *contraction);
    } else {
      x = x * number_of(1 / *scale);
    }
    if (relu && !cuts_negative) x = ir::relu(x);
    x = ir::round(x);
    if (*zero != 0) x = x + number_of(*zero);
    return ir::apply(op::cast, {x}, node.attrs, node.name);
  }

  const Graph& from_;
  ir::Rewriter rewriter_;
  std::map<ValueId, Tracked> sums_;  // by the new value that is the sum times its factor
};

}  // namespace

Graph integer_arithmetic(const Graph& graph, const PassContext&) {
  return IntegerArithmetic(graph).run();
}

}  // namespace hone::passes

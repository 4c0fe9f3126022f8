// The algebra of simplification, op by op.
#include <algorithm>
#include <cmath>
#include <map>

#include "base/dtype.h"
#include "passes/simplify.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Graph;
using ir::Ints;
using ir::Node;
using ir::ValueId;

constexpr Replacement kNothing{};

/// A node with the graph it will stand in: what a rule looks at.
struct Site {
  const Graph& graph;
  const Node& node;
  const TensorType& type;

  ValueId operand(size_t i) const { return node.operands[i]; }
  const Shape& shape(size_t i) const { return graph.shape(operand(i)); }
  const Node& producer(size_t i) const { return graph.producer(operand(i)); }
  bool has_type(ValueId v) const { return graph.type(v) == type; }
};

using Rule = Replacement (*)(const Site&);

Node unary(const ir::OpSpec& op, ValueId x, Attrs attrs = {}) {
  return {&op, {x}, std::move(attrs), {}, ""};
}

/// True if every element of a constant is `number`, signs of zeros included.
bool is_uniform(const Graph& graph, ValueId v, double number) {
  constexpr int64_t kLooked = 4096;
  if (!graph.produced_by(v, op::constant)) return false;
  const Tensor& tensor = graph.producer(v).attrs.get<Tensor>("value");
  if (tensor.elements() == 0 || tensor.elements() > kLooked) return false;
  return visit(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* data = tensor.data<T>();
    return std::all_of(data, data + tensor.elements(), [&](T x) {
      const double wide = convert<double>(x);
      const bool sign_agrees = std::is_integral_v<T> || std::signbit(wide) == std::signbit(number);
      return wide == number && sign_agrees;
    });
  });
}

/// `x` where operand `i` is the constant `neutral` and x the other operand, as large as the result.
Replacement drop_neutral(const Site& s, size_t i, double neutral) {
  const ValueId x = s.operand(1 - i);
  if (s.has_type(x) && is_uniform(s.graph, s.operand(i), neutral)) return x;
  return kNothing;
}

Replacement either_neutral(const Site& s, double neutral) {
  Replacement right = drop_neutral(s, 1, neutral);
  return right.index() != 0 ? right : drop_neutral(s, 0, neutral);
}

Replacement add_rule(const Site& s) { return either_neutral(s, -0.0); }
Replacement sub_rule(const Site& s) { return drop_neutral(s, 1, 0.0); }
Replacement mul_rule(const Site& s) { return either_neutral(s, 1.0); }
Replacement div_rule(const Site& s) { return drop_neutral(s, 1, 1.0); }

Replacement pow_rule(const Site& s) {
  const ValueId x = s.operand(0);
  if (s.has_type(x) && is_uniform(s.graph, s.operand(1), 1)) return x;
  if (s.has_type(x) && is_uniform(s.graph, s.operand(1), 2))
    return Node{&op::mul, {x, x}, {}, {}, ""};
  return kNothing;
}

Replacement neg_rule(const Site& s) {
  if (s.producer(0).is(op::neg)) return s.producer(0).operands[0];
  return kNothing;
}

Replacement abs_rule(const Site& s) {
  if (s.producer(0).is(op::abs)) return s.operand(0);
  // -x of an unsigned x wraps around.
  const bool is_signed =
      s.type.dtype == DType::f32 || s.type.dtype == DType::i32 || s.type.dtype == DType::i64;
  if (is_signed && s.producer(0).is(op::neg)) return unary(op::abs, s.producer(0).operands[0]);
  return kNothing;
}

Replacement relu_rule(const Site& s) {
  if (s.producer(0).is(op::relu)) return s.operand(0);
  return kNothing;
}

/// True if every element of a constant is `bound`, or above it where `above`, else below.
bool is_beyond(const Graph& graph, ValueId v, double bound, bool above) {
  if (!graph.produced_by(v, op::constant) || graph.shape(v).elements() != 1) return false;
  const double x = graph.producer(v).attrs.get<Tensor>("value").cast(DType::f64).data<double>()[0];
  return above ? x >= bound : x <= bound;
}

/// A cast to bytes saturates by itself and knows no -0.
Replacement cast_rule(const Site& s) {
  if (s.has_type(s.operand(0))) return s.operand(0);
  const bool to_u8 = s.type.dtype == DType::u8;
  if ((!to_u8 && s.type.dtype != DType::i8) || s.graph.type(s.operand(0)).dtype != DType::f32)
    return kNothing;
  const Node& from = s.producer(0);
  const bool idle =
      (from.is(op::min) && is_beyond(s.graph, from.operands[1], to_u8 ? 255 : 127, true)) ||
      (from.is(op::max) && is_beyond(s.graph, from.operands[1], to_u8 ? 0 : -128, false)) ||
      (from.is(op::add) && is_uniform(s.graph, from.operands[1], 0.0)) ||
      (from.is(op::relu) && to_u8);
  if (!idle || s.graph.shape(from.operands[0]) != s.type.shape) return kNothing;
  return unary(op::cast, from.operands[0], s.node.attrs);
}

Replacement select_rule(const Site& s) {
  const ValueId if_true = s.operand(1), if_false = s.operand(2);
  if (if_true == if_false && s.has_type(if_true)) return if_true;
  for (const auto& [condition, chosen] : {std::pair{1.0, if_true}, std::pair{0.0, if_false}})
    if (s.has_type(chosen) && is_uniform(s.graph, s.operand(0), condition)) return chosen;
  return kNothing;
}

Replacement same_type_rule(const Site& s) {
  if (s.has_type(s.operand(0))) return s.operand(0);
  return kNothing;
}

/// An elementwise op broadcasts by itself: it reads what was broadcast, where that gives the same
/// shape.
Replacement unbroadcast(const Site& s) {
  for (size_t i = 0; i < s.node.operands.size(); ++i) {
    if (!s.producer(i).is(op::broadcast)) continue;
    Node better = s.node;
    better.operands[i] = s.producer(i).operands[0];
    std::vector<TensorType> types;
    for (ValueId v : better.operands) types.push_back(s.graph.type(v));
    if (ir::infer(*better.op, types, better.attrs, better.name)[0] == s.type) return better;
  }
  return kNothing;
}

bool has_zero(const Shape& shape) {
  return std::find(shape.dims().begin(), shape.dims().end(), 0) != shape.dims().end();
}

/// A reshape to the result's shape; nothing where that has an extent of 0, which would mean "keep".
Replacement as_reshape(const Site& s, ValueId x) {
  if (has_zero(s.type.shape)) return kNothing;
  return unary(op::reshape, x, {{"shape", s.type.shape.dims()}});
}

Replacement reshape_rule(const Site& s) {
  if (s.has_type(s.operand(0))) return s.operand(0);
  if (s.producer(0).is(op::reshape)) return as_reshape(s, s.producer(0).operands[0]);
  if (s.node.attrs.ints("shape") != s.type.shape.dims()) return as_reshape(s, s.operand(0));
  return kNothing;
}

Replacement transpose_rule(const Site& s) {
  const Ints& perm = s.node.attrs.ints("perm");
  if (std::is_sorted(perm.begin(), perm.end())) return s.operand(0);
  // Extents of 1 may lie anywhere; if all others keep their order, no element moves.
  Ints moved;
  for (int64_t axis : perm)
    if (s.shape(0)[static_cast<int>(axis)] != 1) moved.push_back(axis);
  if (std::is_sorted(moved.begin(), moved.end())) return as_reshape(s, s.operand(0));
  if (s.producer(0).is(op::transpose)) {
    const Ints& first = s.producer(0).attrs.ints("perm");
    Ints both;
    for (int64_t axis : perm) both.push_back(first[static_cast<size_t>(axis)]);
    return unary(op::transpose, s.producer(0).operands[0], {{"perm", both}});
  }
  return kNothing;
}

Replacement broadcast_rule(const Site& s) {
  if (s.has_type(s.operand(0))) return s.operand(0);
  if (s.producer(0).is(op::broadcast))
    return unary(op::broadcast, s.producer(0).operands[0], s.node.attrs);
  return kNothing;
}

Replacement concat_rule(const Site& s) {
  if (s.node.operands.size() == 1) return s.operand(0);
  return kNothing;
}

Replacement dim_rule(const Site& s) {
  const int64_t extent = s.shape(0)[static_cast<int>(s.node.attrs.integer("axis"))];
  if (extent == kBatch) return kNothing;
  return Node{&op::constant, {}, {{"value", Tensor::scalar(static_cast<float>(extent))}}, {}, ""};
}

/// A reduction over one element returns it unchanged.
Replacement reduce_rule(const Site& s) {
  for (int64_t axis : s.node.attrs.ints("axes"))
    if (s.shape(0)[static_cast<int>(axis)] != 1) return kNothing;
  return as_reshape(s, s.operand(0));
}

bool swaps_last_two(const Ints& perm) {
  const auto rank = static_cast<int64_t>(perm.size());
  for (int64_t i = 0; i < rank - 2; ++i)
    if (perm[static_cast<size_t>(i)] != i) return false;
  return rank >= 2 && perm.back() == rank - 2;
}

/// A product reads its matrices transposed as well as not.
Replacement matmul_rule(const Site& s) {
  constexpr const char* kFlags[] = {"trans_a", "trans_b"};
  for (size_t i = 0; i < 2; ++i) {
    const Node& producer = s.producer(i);
    if (!producer.is(op::transpose) || !swaps_last_two(producer.attrs.ints("perm"))) continue;
    // Several transposed matrices on the left are no rows of one large matrix.
    if (i == 0 && s.shape(0).rank() > 2) continue;
    Node better = s.node;
    better.operands[i] = producer.operands[0];
    if (s.node.attrs.flag(kFlags[i])) better.attrs.erase(kFlags[i]);
    else better.attrs.set(kFlags[i], int64_t{1});
    return better;
  }
  return kNothing;
}

Rule rule_of(const ir::OpSpec& op) {
  static const std::map<const ir::OpSpec*, Rule> rules = {
      {&op::add, add_rule},
      {&op::sub, sub_rule},
      {&op::mul, mul_rule},
      {&op::div, div_rule},
      {&op::pow, pow_rule},
      {&op::neg, neg_rule},
      {&op::abs, abs_rule},
      {&op::relu, relu_rule},
      {&op::select, select_rule},
      {&op::cast, cast_rule},
      {&op::reshape, reshape_rule},
      {&op::transpose, transpose_rule},
      {&op::broadcast, broadcast_rule},
      {&op::concat, concat_rule},
      {&op::slice, same_type_rule},
      {&op::pad, same_type_rule},
      {&op::dim, dim_rule},
      {&op::reduce_sum, reduce_rule},
      {&op::reduce_max, reduce_rule},
      {&op::matmul, matmul_rule},
  };
  const auto found = rules.find(&op);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace

Replacement simplify_node(const Graph& graph, const Node& node, const TensorType& type) {
  const Site site{graph, node, type};
  if (const Rule rule = rule_of(*node.op)) {
    Replacement better = rule(site);
    if (better.index() != 0) return better;
  }
  if (node.op->op_class == ir::OpClass::elementwise && !node.is(op::fused))
    return unbroadcast(site);
  return kNothing;
}

}  // namespace hone::passes

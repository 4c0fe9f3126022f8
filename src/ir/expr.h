// A value with the graph that it lives in, so that building a graph reads like the paper:
//
//   Expr y = relu(matmul(x, w) + b);
//   Expr loss = -reduce_mean(reduce_sum(one_hot(labels, 10) * log_softmax, {1}), {0});
//
// Each call appends one node; a trailing string names it. Plain numbers become scalar constants of
// the other operand's dtype.
#pragma once

#include <concepts>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ir/graph.h"

namespace hone::ir {

struct Expr {
  Graph* graph = nullptr;
  ValueId id = kNoValue;

  // By value: the graph's own may move when a node is appended.
  TensorType type() const { return graph->type(id); }
  Shape shape() const { return graph->shape(id); }
  DType dtype() const { return type().dtype; }
  int rank() const { return shape().rank(); }
  explicit operator bool() const { return graph != nullptr; }
};

/// The node of any op: what all functions below are short for.
inline Expr apply(const OpSpec& op, const std::vector<Expr>& operands, Attrs attrs = {},
                  std::string name = {}) {
  std::vector<ValueId> ids;
  for (const Expr& e : operands) {
    invariant(e && e.graph == operands[0].graph, "{}: operands of different graphs", op.name);
    ids.push_back(e.id);
  }
  Graph* graph = operands.at(0).graph;
  return {graph, graph->add(op, std::move(ids), std::move(attrs), std::move(name))};
}

// Sources.
inline Expr input(Graph& g, std::string name, TensorType type) {
  return {&g, g.input(std::move(name), std::move(type))};
}
inline Expr state(Graph& g, std::string name, TensorType type, bool trainable) {
  return {&g, g.state(std::move(name), std::move(type), trainable)};
}
inline Expr constant(Graph& g, Tensor value, std::string name = {}) {
  return {&g, g.constant(std::move(value), std::move(name))};
}
/// A scalar constant in the graph and of the dtype of `like`.
inline Expr scalar_like(const Expr& like, double value) {
  return constant(*like.graph,
                  Tensor::from<double>({}, std::vector<double>{value}).cast(like.dtype()));
}

// Elementwise functions of one operand.
#define HONE_UNARY(NAME)                              \
  inline Expr NAME(Expr x, std::string name = {}) {   \
    return apply(op::NAME, {x}, {}, std::move(name)); \
  }
HONE_UNARY(abs)
HONE_UNARY(exp)
HONE_UNARY(log)
HONE_UNARY(sqrt)
HONE_UNARY(tanh)
HONE_UNARY(sigmoid)
HONE_UNARY(erf)
HONE_UNARY(cos)
HONE_UNARY(sin)
HONE_UNARY(atan)
HONE_UNARY(floor)
HONE_UNARY(round)
HONE_UNARY(relu)
#undef HONE_UNARY
inline Expr operator-(Expr x) { return apply(op::neg, {x}); }

// Elementwise functions of two operands, each also with a number on either side.
#define HONE_BINARY(FUNCTION, OP)                                        \
  inline Expr FUNCTION(Expr a, Expr b) { return apply(op::OP, {a, b}); } \
  inline Expr FUNCTION(Expr a, std::convertible_to<double> auto b) {     \
    return apply(op::OP, {a, scalar_like(a, static_cast<double>(b))});   \
  }                                                                      \
  inline Expr FUNCTION(std::convertible_to<double> auto a, Expr b) {     \
    return apply(op::OP, {scalar_like(b, static_cast<double>(a)), b});   \
  }
HONE_BINARY(operator+, add)
HONE_BINARY(operator-, sub)
HONE_BINARY(operator*, mul)
HONE_BINARY(operator/, div)
HONE_BINARY(maximum, max)
HONE_BINARY(minimum, min)
HONE_BINARY(pow, pow)
HONE_BINARY(mod, mod)
HONE_BINARY(equal, equal)
HONE_BINARY(greater, greater)
#undef HONE_BINARY

inline Expr select(Expr condition, Expr if_true, Expr if_false) {
  return apply(op::select, {condition, if_true, if_false});
}
inline Expr cast(Expr x, DType to) {
  return x.dtype() == to ? x : apply(op::cast, {x}, {{"dtype", std::string(name_of(to))}});
}

// Movement. One that would change nothing appends nothing.
inline Expr reshape(Expr x, Shape to, std::string name = {}) {
  if (x.shape() == to) return x;
  return apply(op::reshape, {x}, {{"shape", to.dims()}}, std::move(name));
}
inline Expr broadcast(Expr x, Shape to) {
  return x.shape() == to ? x : apply(op::broadcast, {x}, {{"shape", to.dims()}});
}
inline Expr transpose(Expr x, Ints perm, std::string name = {}) {
  return apply(op::transpose, {x}, {{"perm", std::move(perm)}}, std::move(name));
}
inline Expr concat(const std::vector<Expr>& parts, int64_t axis, std::string name = {}) {
  return apply(op::concat, parts, {{"axis", axis}}, std::move(name));
}
inline Expr slice(Expr x, int64_t axis, int64_t begin, int64_t end) {
  return apply(op::slice, {x}, {{"axis", axis}, {"begin", begin}, {"end", end}});
}
inline Expr pad(Expr x, int64_t axis, int64_t before, int64_t after) {
  return apply(op::pad, {x}, {{"axis", axis}, {"before", before}, {"after", after}});
}
inline Expr one_hot(Expr indices, int64_t depth) {
  return apply(op::one_hot, {indices}, {{"depth", depth}});
}
inline Expr gather(Expr x, Expr indices, int64_t axis) {
  return apply(op::gather, {x, indices}, {{"axis", axis}});
}
/// The extent of an axis as f32[]: a constant unless it is the batch.
inline Expr dim(Expr x, int axis) {
  const int64_t extent = x.shape()[axis];
  if (extent != kBatch) return constant(*x.graph, Tensor::scalar(static_cast<float>(extent)));
  return apply(op::dim, {x}, {{"axis", int64_t{axis}}});
}

// Reductions.
inline Attrs reduction(Ints axes, bool keep) {
  Attrs attrs{{"axes", std::move(axes)}};
  if (keep) attrs.set("keep", int64_t{1});
  return attrs;
}
inline Expr reduce_sum(Expr x, Ints axes, bool keep = false) {
  return apply(op::reduce_sum, {x}, reduction(std::move(axes), keep));
}
inline Expr reduce_max(Expr x, Ints axes, bool keep = false) {
  return apply(op::reduce_max, {x}, reduction(std::move(axes), keep));
}
inline Expr reduce_prod(Expr x, Ints axes, bool keep = false) {
  return apply(op::reduce_prod, {x}, reduction(std::move(axes), keep));
}
/// The maximum, axes kept, through which no gradient flows: the shift of a softmax, which cancels.
inline Expr detached_max(Expr x, Ints axes) {
  Attrs attrs = reduction(std::move(axes), true);
  attrs.set("no_grad", int64_t{1});
  return apply(op::reduce_max, {x}, std::move(attrs));
}
/// How many elements the axes hold, as f32[]: one constant, times the batch where it is among them.
inline Expr count(Expr x, const Ints& axes) {
  double fixed = 1;
  Expr batch;
  for (int64_t a : axes) {
    const int axis = static_cast<int>(a);
    if (x.shape()[axis] == kBatch) batch = dim(x, axis);
    else fixed *= static_cast<double>(x.shape()[axis]);
  }
  if (!batch) return constant(*x.graph, Tensor::scalar(static_cast<float>(fixed)));
  return fixed == 1 ? batch : batch * fixed;
}
inline Expr reduce_mean(Expr x, const Ints& axes, bool keep = false) {
  const Expr sum = reduce_sum(x, axes, keep);
  return sum / count(x, axes);
}
inline Expr cumsum(Expr x, int64_t axis, bool exclusive = false, bool reverse = false) {
  return apply(op::cumsum, {x},
               {{"axis", axis}, {"exclusive", int64_t{exclusive}}, {"reverse", int64_t{reverse}}});
}
inline Expr argmax(Expr x, int64_t axis) { return apply(op::argmax, {x}, {{"axis", axis}}); }

struct TopK {
  Expr values;
  Expr indices;
};
inline TopK topk(Expr x, int64_t axis, int64_t k, bool largest = true) {
  const NodeId node =
      x.graph->append(op::topk, {x.id}, {{"axis", axis}, {"k", k}, {"largest", int64_t{largest}}});
  const std::vector<ValueId>& results = x.graph->node(node).results;
  return {{x.graph, results[0]}, {x.graph, results[1]}};
}

struct Moments {
  Expr mean;
  Expr m2;  ///< the sum of squared deviations from the mean
};
inline Moments moments(Expr x, Ints axes, std::string name = {}) {
  const NodeId node =
      x.graph->append(op::moments, {x.id}, {{"axes", std::move(axes)}}, std::move(name));
  const std::vector<ValueId>& results = x.graph->node(node).results;
  return {{x.graph, results[0]}, {x.graph, results[1]}};
}

// Contractions and windows.
inline Expr matmul(Expr a, Expr b, bool trans_a = false, bool trans_b = false,
                   std::string name = {}) {
  Attrs attrs;
  if (trans_a) attrs.set("trans_a", int64_t{1});
  if (trans_b) attrs.set("trans_b", int64_t{1});
  return apply(op::matmul, {a, b}, std::move(attrs), std::move(name));
}

struct ConvOptions {
  Ints stride = {1, 1};
  Ints pad = {0, 0, 0, 0};  ///< top, left, bottom, right
  Ints dilation = {1, 1};
  int64_t groups = 1;
  std::string layout = "nchw";
};
inline Expr conv2d(Expr x, Expr w, ConvOptions o = {}, std::string name = {}) {
  return apply(op::conv2d, {x, w},
               {{"stride", std::move(o.stride)},
                {"pad", std::move(o.pad)},
                {"dilation", std::move(o.dilation)},
                {"groups", o.groups},
                {"layout", std::move(o.layout)}},
               std::move(name));
}

struct PoolOptions {
  Ints window = {2, 2};
  Ints stride = {2, 2};
  Ints pad = {0, 0, 0, 0};  ///< top, left, bottom, right
  Ints dilation = {1, 1};
  std::string layout = "nchw";
  bool count_pad = false;  ///< avg_pool2d: padded places count in the average

  Attrs attrs() const {
    Attrs out{{"window", window}, {"stride", stride}, {"pad", pad}, {"layout", layout}};
    if (dilation != Ints{1, 1}) out.set("dilation", dilation);
    return out;
  }
};
inline Expr max_pool2d(Expr x, const PoolOptions& o = {}, std::string name = {}) {
  return apply(op::max_pool2d, {x}, o.attrs(), std::move(name));
}
inline Expr avg_pool2d(Expr x, const PoolOptions& o = {}, std::string name = {}) {
  Attrs attrs = o.attrs();
  attrs.set("count_pad", int64_t{o.count_pad});
  return apply(op::avg_pool2d, {x}, std::move(attrs), std::move(name));
}

// Random: uniform in [0, 1), from i64 scalars and the key of the layer's path.
inline Expr random_uniform(Expr seed, Expr step, Shape shape, int64_t key) {
  return apply(op::random_uniform, {seed, step}, {{"shape", shape.dims()}, {"key", key}});
}

}  // namespace hone::ir

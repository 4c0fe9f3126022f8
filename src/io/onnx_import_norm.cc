// Import rows of the normalisations: the arithmetic that each of them is at inference.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {

ir::Expr per_channel(const ir::Expr& vector, int rank) {
  require(vector.rank() == 1, "expected a vector over channels, found {}", vector.type());
  if (rank <= 2) return vector;
  ir::Ints dims(static_cast<size_t>(rank) - 1, 1);
  dims[0] = vector.shape()[0];
  return ir::apply(ir::op::reshape, {vector}, {{"shape", std::move(dims)}});
}

ir::Expr mean_over(const ir::Expr& x, const ir::Ints& axes) {
  double n = 1;
  for (int64_t a : axes) {
    const int64_t extent = x.shape()[static_cast<int>(a)];
    if (extent == kBatch)
      fail(ErrorKind::Unsupported, "a mean over the symbolic batch: give its extent");
    n *= static_cast<double>(extent);
  }
  return ir::reduce_sum(x, axes, true) / n;
}

namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

struct Normalised {
  Expr y, mean, deviation;
};

// (x - mean) / sqrt(variance + epsilon), over the axes.
Normalised normalise(const Expr& x, const Ints& axes, double epsilon) {
  const Expr mean = mean_over(x, axes);
  const Expr centred = x - mean;
  const Expr deviation = ir::sqrt(mean_over(centred * centred, axes) + epsilon);
  return {centred / deviation, mean, deviation};
}

Ints axes_from(int64_t first, int rank) {
  Ints axes;
  for (int64_t a = first; a < rank; ++a) axes.push_back(a);
  return axes;
}

void require_f32(OnnxImporter& in, const Node& n) {
  if (in.type(n, 0).dtype != DType::f32)
    fail(ErrorKind::Unsupported, "{} is not supported", name_of(in.type(n, 0).dtype));
}

// (x - mean) * (scale / sqrt(variance + epsilon)) + bias, as hone's own layer has it
void batch_norm(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const bool trains = int_of(n, "training_mode", 0) != 0 || in.wants(n, 1);
  if (trains || int_of(n, "spatial", 1) == 0 || (in.opset() < 7 && int_of(n, "is_test", 0) == 0))
    fail(ErrorKind::Unsupported, "only inference over channels is supported");
  const Expr x = in.expr(n, 0);
  const auto channels = [&](int i) { return per_channel(in.expr(n, i), x.rank()); };
  const Expr variance = channels(4);
  const Expr epsilon = in.scalar(x.dtype(), float_of(n, "epsilon", 1e-5F));
  const Expr factor = channels(1) / ir::sqrt(variance + epsilon);
  in.bind(n, (x - channels(3)) * factor + channels(2));
}

void instance_norm(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const Expr x = in.expr(n, 0);
  const Expr y = normalise(x, axes_from(2, x.rank()), float_of(n, "epsilon", 1e-5F)).y;
  in.bind(n, y * per_channel(in.expr(n, 1), x.rank()) + per_channel(in.expr(n, 2), x.rank()));
}

void layer_norm(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", -1), x.rank());
  const Normalised of = normalise(x, axes_from(axis, x.rank()), float_of(n, "epsilon", 1e-5F));
  Expr y = of.y * in.expr(n, 1);
  if (in.has(n, 2)) y = y + in.expr(n, 2);
  in.bind(n, y);
  if (in.wants(n, 1)) in.bind(n, 1, of.mean);
  if (in.wants(n, 2)) in.bind(n, 2, 1 / of.deviation);
}

// Groups of channels, each normalised. Scale and bias are one a group up to opset 20.
void group_norm(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const Expr x = in.expr(n, 0);
  const Shape s = x.shape();
  const int64_t groups = int_of(n, "num_groups", 0);
  require(s.rank() >= 3 && groups > 0 && s[1] % groups == 0,
          "{} groups do not divide the channels of {}", groups, s);
  int64_t rest = s[1] / groups;
  for (int i = 2; i < s.rank(); ++i) rest *= s[i];
  const Expr grouped = ir::reshape(x, {s[0], groups, rest});
  Expr y = normalise(grouped, {2}, float_of(n, "epsilon", 1e-5F)).y;
  const bool by_group = in.opset() < 21;
  if (!by_group) y = ir::reshape(y, s);
  y = y * per_channel(in.expr(n, 1), y.rank()) + per_channel(in.expr(n, 2), y.rank());
  in.bind(n, ir::reshape(y, s));
}

void mean_variance(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  in.bind(n, normalise(in.expr(n, 0), ints_of(n, "axes", {0, 2, 3}), 1e-9).y);
}

void lp_norm(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", -1), x.rank());
  const int64_t p = int_of(n, "p", 2);
  if (p != 1 && p != 2) fail(ErrorKind::Unsupported, "p = {}: expected 1 or 2", p);
  const Expr norm = p == 1 ? ir::reduce_sum(ir::abs(x), {axis}, true)
                           : ir::sqrt(ir::reduce_sum(x * x, {axis}, true));
  in.bind(n, x / ir::select(ir::equal(norm, 0), in.scalar(x.dtype(), 1), norm));
}

// x / (bias + alpha * mean of x^2 over `size` channels)^beta; channels beyond the ends are 0.
void lrn(OnnxImporter& in, const Node& n) {
  require_f32(in, n);
  const Expr x = in.expr(n, 0);
  const Shape s = x.shape();
  const int64_t size = int_of(n, "size", 0);
  require(s.rank() >= 3 && size > 0 && size < INT32_MAX, "size {} of {} is not a window", size, s);
  int64_t rest = 1;
  for (int i = 2; i < s.rank(); ++i) rest *= s[i];
  const Expr planes = ir::reshape(x * x, {s[0], 1, s[1], rest});
  ir::PoolOptions window;
  window.window = {size, 1};
  window.stride = {1, 1};
  window.pad = {(size - 1) / 2, 0, size / 2, 0};
  window.count_pad = true;
  const Expr mean = ir::reshape(ir::avg_pool2d(planes, window), s);
  const Expr base = mean * float_of(n, "alpha", 1e-4F) + float_of(n, "bias", 1);
  in.bind(n, x / ir::pow(base, float_of(n, "beta", 0.75F)));
}

}  // namespace

std::vector<OnnxImportRow> onnx_norm_rows() {
  return {{"BatchNormalization", batch_norm},
          {"InstanceNormalization", instance_norm},
          {"LayerNormalization", layer_norm},
          {"GroupNormalization", group_norm},
          {"MeanVarianceNormalization", mean_variance},
          {"LpNormalization", lp_norm},
          {"LRN", lrn}};
}

}  // namespace hone::io

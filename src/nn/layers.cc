// The layers without windows: each a few lines of graph.
#include <cmath>

#include "base/rng.h"
#include "nn/activations.h"
#include "nn/layer.h"

namespace hone {

using ir::Expr;
using nn::Scope;

namespace {

using Operands = std::vector<Expr>;

Layer make(std::string kind, std::string name, Layer::Impl::Build build) {
  return Layer(std::make_shared<const Layer::Impl>(
      Layer::Impl{std::move(kind), std::move(name), std::move(build)}));
}

std::vector<int64_t> with_batch(const Shape& sample) {
  std::vector<int64_t> dims = {0};  // reshape keeps axis 0, the batch
  dims.insert(dims.end(), sample.dims().begin(), sample.dims().end());
  return dims;
}

int64_t sample_elements(const Shape& batched) {
  int64_t n = 1;
  for (int i = 1; i < batched.rank(); ++i) n *= batched[i];
  return n;
}

Expr reshape_samples(Expr x, const Shape& sample, const std::string& name) {
  require(sample.elements() == sample_elements(x.shape()), "{}: cannot reshape samples of {} to {}",
          name, x.shape(), sample);
  return ir::apply(ir::op::reshape, {x}, {{"shape", with_batch(sample)}}, name);
}

}  // namespace

Var Layer::apply(std::vector<Var> operands) const {
  require(!operands.empty(), "{}: expected at least 1 operand", impl_->kind);
  return Var(std::make_shared<const Var::Node>(Var::Node{{}, impl_, std::move(operands)}));
}

Var input(Shape sample_shape) {
  return Var(std::make_shared<const Var::Node>(Var::Node{std::move(sample_shape), nullptr, {}}));
}

Layer dense(int64_t units, Activation activation, DenseOptions o) {
  require(units > 0, "dense: expected at least 1 unit, found {}", units);
  return make("dense", o.name, [=](Scope& s, const Operands& in) {
    const Expr x = in[0];
    require(x.rank() == 2, "dense '{}': expected vectors [N,D], found {}; flatten() before it?",
            s.path(), x.shape().to_string());
    const int64_t d = x.shape()[1];
    Expr y = ir::matmul(x, s.parameter("weight", {d, units}, o.weight, d, units), false, false,
                        s.path());
    if (o.bias) y = y + s.parameter("bias", {units}, Initializer::zeros());
    return nn::activate(activation, y);
  });
}

Layer batch_norm(BatchNormOptions o) {
  require(o.momentum >= 0 && o.momentum <= 1 && o.epsilon >= 0,
          "batch_norm: expected a momentum in [0, 1] and epsilon >= 0, found {} and {}", o.momentum,
          o.epsilon);
  return make("norm", o.name, [=](Scope& s, const Operands& in) {
    const Expr x = in[0];
    require(x.rank() == 4 || x.rank() == 2,
            "batch_norm '{}': expected [N,C,H,W] or [N,D], found {}", s.path(), x.shape());
    const int64_t c = x.shape()[1];
    const Shape per_channel = x.rank() == 4 ? Shape{1, c, 1, 1} : Shape{1, c};
    const Expr scale = s.parameter("scale", {c}, Initializer::constant(1));
    const Expr offset = s.parameter("offset", {c}, Initializer::zeros());
    const Expr running_mean = s.statistic("mean", {c}, 0);
    const Expr running_variance = s.statistic("variance", {c}, 1);
    const auto spread = [&](Expr v) { return ir::reshape(v, per_channel); };

    Expr mean = spread(running_mean);
    Expr variance = spread(running_variance);
    if (s.training()) {
      const ir::Ints axes = x.rank() == 4 ? ir::Ints{0, 2, 3} : ir::Ints{0};
      const ir::Moments batch = ir::moments(x, axes, s.path());
      const Expr n = ir::count(x, axes);
      mean = batch.mean;
      variance = batch.m2 / n;
      const auto follow = [&](Expr running, Expr now) {
        const Expr next = running * (1 - o.momentum) + ir::reshape(now, {c}) * o.momentum;
        s.graph().update(running.id, next.id);
      };
      follow(running_mean, batch.mean);
      follow(running_variance, batch.m2 / ir::maximum(n - 1, 1));
    }
    return (x - mean) * (spread(scale) / ir::sqrt(variance + o.epsilon)) + spread(offset);
  });
}

Layer dropout(double rate, std::string name) {
  require(rate >= 0 && rate < 1, "dropout: expected a rate in [0, 1), found {}", rate);
  return make("dropout", std::move(name), [=](Scope& s, const Operands& in) {
    const Expr x = in[0];
    if (!s.training() || rate == 0) return x;
    const int64_t key = static_cast<int64_t>(key_of(s.path()));
    const Expr u = ir::random_uniform(s.seed(), s.step(), x.shape(), key);
    const Expr zero = ir::scalar_like(x, 0);
    return ir::select(ir::greater(u, rate), x * (1 / (1 - rate)), zero);
  });
}

Layer activation(Activation kind) {
  return make("activation", "",
              [=](Scope&, const Operands& in) { return nn::activate(kind, in[0]); });
}

Layer flatten() {
  return make("flatten", "", [](Scope& s, const Operands& in) {
    return reshape_samples(in[0], {sample_elements(in[0].shape())}, s.path());
  });
}

Layer reshape(Shape sample_shape) {
  return make("reshape", "", [=](Scope& s, const Operands& in) {
    return reshape_samples(in[0], sample_shape, s.path());
  });
}

Layer pad_channels(int64_t before, int64_t after) {
  require(before >= 0 && after >= 0, "pad_channels: expected counts of at least 0, found {} and {}",
          before, after);
  return make("pad_channels", "",
              [=](Scope&, const Operands& in) { return ir::pad(in[0], 1, before, after); });
}

Var add(const std::vector<Var>& operands) {
  require(operands.size() >= 2, "add: expected at least 2 operands, found {}", operands.size());
  return make("add", "",
              [](Scope& s, const Operands& in) {
                Expr sum = in[0];
                for (size_t i = 1; i < in.size(); ++i) {
                  require(in[i].shape() == sum.shape(),
                          "{}: expected operands of one shape, found {} and {}", s.path(),
                          sum.shape(), in[i].shape());
                  sum = sum + in[i];
                }
                return sum;
              })
      .apply(operands);
}

Var concat(const std::vector<Var>& operands, int64_t axis) {
  return make("concat", "",
              [=](Scope& s, const Operands& in) {
                const int axes = in[0].rank() - 1;
                require(0 <= axis && axis < axes, "{}: expected an axis in [0, {}), found {}",
                        s.path(), axes, axis);
                return ir::concat(in, axis + 1, s.path());
              })
      .apply(operands);
}

}  // namespace hone

// Initialisers are graphs of random_uniform and hone's own functions, so their bits are hone's too.
#include "nn/init.h"

#include <cmath>
#include <numbers>

#include "base/rng.h"
#include "kernels/interpreter.h"

namespace hone::nn {
using ir::Expr;

Tensor initialize(const StateInit& state, uint64_t seed) {
  const Initializer& init = state.init;
  ir::Graph g("initialize");
  const Expr run_seed = ir::constant(g, Tensor::scalar_i64(static_cast<int64_t>(seed)));
  const Expr step = ir::constant(g, Tensor::scalar_i64(0));
  const auto draw = [&](std::string_view stream) {
    const uint64_t key = key_of(state.name + std::string(stream));
    return ir::random_uniform(run_seed, step, state.type.shape, static_cast<int64_t>(key));
  };
  const auto uniform = [&](double low, double high) {
    return draw("/uniform") * (high - low) + low;
  };
  const auto normal = [&](double mean, double deviation) {
    // Box and Muller (1958); 1 - u is in (0, 1].
    const Expr radius = ir::sqrt(ir::log(1 - draw("/radius")) * -2);
    const Expr angle = draw("/angle") * (2 * std::numbers::pi);
    return radius * ir::cos(angle) * deviation + mean;
  };
  const auto scaled = [&](double variance) {
    const double limit = std::sqrt(3 * variance);
    return init.normal ? normal(0, std::sqrt(variance)) : uniform(-limit, limit);
  };

  Expr value;
  const double fan_in = static_cast<double>(state.fan_in);
  const double fan_out = static_cast<double>(state.fan_out);
  switch (init.kind) {
    case Initializer::Kind::constant: {
      Tensor out(DType::f32, state.type.shape);
      std::fill_n(out.data<float>(), out.elements(), static_cast<float>(init.a));
      return out.cast(state.type.dtype);
    }
    case Initializer::Kind::uniform:
      value = uniform(init.a, init.b);
      break;
    case Initializer::Kind::normal:
      value = normal(init.a, init.b);
      break;
    case Initializer::Kind::glorot:
      value = scaled(2 / (fan_in + fan_out));
      break;
    case Initializer::Kind::he:
      value = scaled(2 / fan_in);
      break;
  }
  g.output("value", value.id);
  return kernels::interpret(g, {}).outputs.at("value");
}

}  // namespace hone::nn

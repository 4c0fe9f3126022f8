// Declaring states while a network is built.
#include "nn/layer.h"

namespace hone::nn {

ir::Expr Scope::add_state(StateInit init, bool trainable) {
  const ir::Expr out = ir::state(*graph_, init.name, init.type, trainable);
  states_.push_back(std::move(init));
  return out;
}

ir::Expr Scope::parameter(std::string_view name, Shape shape, Initializer init, int64_t fan_in,
                          int64_t fan_out) {
  return add_state(
      {path_ + "." + std::string(name), {DType::f32, std::move(shape)}, init, fan_in, fan_out},
      true);
}

ir::Expr Scope::statistic(std::string_view name, Shape shape, double initial) {
  return add_state({path_ + "." + std::string(name),
                    {DType::f32, std::move(shape)},
                    Initializer::constant(initial)},
                   false);
}

ir::Expr Scope::run_state(const std::string& name) {
  const ir::ValueId found = graph_->find_state(name);
  return found != ir::kNoValue ? ir::Expr{graph_, found}
                               : ir::state(*graph_, name, {DType::i64, {}}, false);
}

}  // namespace hone::nn

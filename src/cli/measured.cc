// Inputs of the shapes that are asked for.
#include "cli/measured.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/rng.h"
#include "cli/usage.h"

namespace hone::cli {
namespace {

Tensor random_tensor(const TensorType& type, uint64_t key) {
  Tensor out(type.dtype, type.shape);
  const int64_t n = out.elements();
  const auto draw = [&](int64_t i) {
    const Philox p = philox(key, 0, static_cast<uint64_t>(i / 4));
    return p.v[static_cast<size_t>(i % 4)];
  };
  if (type.dtype == DType::f32) {
    for (int64_t i = 0; i < n; ++i) out.data<float>()[i] = unit_float(draw(i));
    return out;
  }
  Tensor floats(DType::f32, type.shape);
  const bool real = type.dtype == DType::f64;
  for (int64_t i = 0; i < n; ++i)
    floats.data<float>()[i] = real ? unit_float(draw(i)) : static_cast<float>(draw(i) & 1);
  return floats.cast(type.dtype);
}

}  // namespace

void add_measure_options(CLI::App& command, MeasureArgs& args) {
  command.add_option("MODEL", args.model, "ONNX file")->required();
  command.add_option("--batch", args.batch, "Samples at once (default: 1)")
      ->type_name("N")
      ->check(whole_number(1, INT32_MAX));
  add_dim_option(command, args.dims);
}

Measured Measured::load(const MeasureArgs& args, const Common& common) {
  Session session = Session::load(args.model, {.threads = common.threads, .dims = args.dims});
  const exec::InputTypes types = SessionImpl::of(session).input_types(args.batch);
  Tensors inputs;
  for (const auto& [name, type] : types)
    inputs.emplace(name, random_tensor(type, mix(common.seed, key_of(name))));
  auto program = SessionImpl::of(session).executor->program(types);
  return {std::move(session), std::move(inputs), std::move(program)};
}

std::string Measured::describe(const MeasureArgs& args) const {
  std::string out = args.model;
  for (const auto& [name, tensor] : inputs)
    out += fmt::format("  {} {}", name, tensor.type().to_string());
  return out + fmt::format("  {} threads", threads());
}

}  // namespace hone::cli

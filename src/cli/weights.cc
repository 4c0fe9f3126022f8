// hone weights MODEL.onnx: a model's weights out to another framework, or in from one.
#include <fmt/core.h>

#include "cli/command.h"
#include "io/onnx_weights.h"
#include "io/weights.h"

namespace hone::cli {
namespace {

struct WeightsArgs {
  std::string model;
  std::string from;
  std::string to;
  std::string output;
};

void weights(const WeightsArgs& args, const Common& common) {
  if (args.from.empty() && args.to.empty()) throw CLI::RequiredError("--out or --in");
  io::Weights weights = io::load_onnx_weights(args.model);
  if (args.from.empty()) {
    io::save_weights(args.to, weights);
  } else {
    io::Weights read = io::load_weights(args.from);
    // In ONNX, shapes and indices are i64 initializers, which other frameworks do not know.
    for (const auto& [name, tensor] : weights)
      if (tensor.dtype() == DType::i64) read.emplace(name, tensor);
    io::require_same_weights(read, args.from, weights, args.model);
    weights = std::move(read);
    io::save_onnx_with_weights(args.output, args.model, weights);
  }
  int64_t elements = 0;
  for (const auto& [name, tensor] : weights) elements += tensor.elements();
  const std::string& written = args.from.empty() ? args.to : args.output;
  say(common, fmt::format("{} tensors with {} elements are in {}", weights.size(),
                          grouped(elements), written));
  say_json(common, {{"tensors", weights.size()}, {"elements", elements}, {"file", written}});
}

}  // namespace

void add_weights(CLI::App& app, Common& common) {
  auto args = std::make_shared<WeightsArgs>();
  CLI::App* c = add_command(app, "weights", "Move weights out of a model, or into it", common,
                            [args, &common] { weights(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  auto* out = c->add_option("--out", args->to, "Write the weights to a .safetensors or .npz file")
                  ->type_name("FILE");
  auto* in = c->add_option("--in", args->from,
                           "Replace the weights by those of a .safetensors or .npz file")
                 ->type_name("FILE")
                 ->excludes(out);
  auto* output =
      c->add_option("-o,--output", args->output, "ONNX file with the new weights, of --in")
          ->type_name("FILE")
          ->needs(in);
  in->needs(output);
}

}  // namespace hone::cli

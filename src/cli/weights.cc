// hone weights MODEL.onnx: a model's weights out to another framework, or in from one.
#include <fmt/core.h>

#include "base/error.h"
#include "cli/command.h"
#include "io/onnx_export.h"
#include "io/onnx_import.h"
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
  io::OnnxModel model = io::load_onnx(args.model);
  if (args.from.empty()) {
    io::save_weights(args.to, model.states);
  } else {
    io::Weights read = io::load_weights(args.from);
    io::require_same_weights(read, args.from, model.states, args.model);
    model.states = std::move(read);
    io::save_onnx(args.output, model);
  }
  int64_t parameters = 0;
  for (const auto& [name, tensor] : model.states) parameters += tensor.elements();
  const std::string& written = args.from.empty() ? args.to : args.output;
  say(common, fmt::format("{} tensors with {} elements are in {}", model.states.size(),
                          grouped(parameters), written));
  say_json(common, {{"tensors", model.states.size()}, {"elements", parameters}, {"file", written}});
}

}  // namespace

void add_weights(CLI::App& app, Common& common) {
  auto args = std::make_shared<WeightsArgs>();
  CLI::App* c = add_command(app, "weights", "Move weights out of a model, or into it", common,
                            [args, &common] { weights(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  auto* ways = c->add_option_group("way")->require_option(1);
  ways->add_option("--out", args->to, "Write the weights to a .safetensors or .npz file");
  auto* in = ways->add_option("--in", args->from,
                              "Replace the weights by those of a .safetensors or .npz file");
  auto* output = c->add_option("-o,--output", args->output, "ONNX file with the new weights");
  output->needs(in);
  in->needs(output);
}

}  // namespace hone::cli

// hone new MODEL -o OUT.onnx: a network of the zoo as it is before training.
#include <fmt/core.h>
#include <hone/hone.h>

#include "base/error.h"
#include "cli/command.h"
#include "cli/usage.h"
#include "io/onnx_model.h"
#include "nn/zoo/zoo.h"

namespace hone::cli {
namespace {

struct NewArgs {
  std::string model;
  std::string output;
  int64_t opset = io::kOnnxOpset;
  std::vector<int64_t> shape;
  int64_t classes = 0;
};

void make_new(const NewArgs& args, const Common& common) {
  const nn::ZooEntry& entry = nn::zoo_entry(args.model);
  const Shape sample = args.shape.empty() ? entry.sample : Shape(args.shape);
  const int64_t classes = args.classes > 0 ? args.classes : entry.classes;
  Model model(entry.of(classes), args.model);
  model.compile({.seed = common.seed, .threads = common.threads});
  model.build(sample);
  model.save(args.output, args.opset);
  say(common,
      fmt::format("{} on samples of shape {}, {} classes: {} parameters\nwrote {}", args.model,
                  sample.to_string(), classes, grouped(model.parameters()), args.output));
  say_json(common, {{"model", args.model},
                    {"shape", sample.dims()},
                    {"classes", classes},
                    {"parameters", model.parameters()},
                    {"seed", common.seed},
                    {"file", args.output}});
}

}  // namespace

void add_new(CLI::App& app, Common& common) {
  auto args = std::make_shared<NewArgs>();
  CLI::App* c = add_command(app, "new", "Write a network of the zoo, untrained", common,
                            [args, &common] { make_new(*args, common); });
  std::string models = "A network of the zoo:";
  for (const nn::ZooEntry& e : nn::zoo())
    models += fmt::format("\n  {}: {}, {} classes", e.name, e.sample.to_string(), e.classes);
  c->add_option("MODEL", args->model, models)->type_name("")->required();
  c->add_option("-o,--output", args->output, "ONNX file to write")->type_name("FILE")->required();
  add_opset_option(*c, args->opset);
  c->add_option("--shape", args->shape, "Of a sample, as 3,224,224 (default: the model's)")
      ->type_name("C,H,W")
      ->delimiter(',')
      ->expected(3)
      ->check(whole_number(1, INT32_MAX));
  c->add_option("--classes", args->classes, "How many it tells apart (default: the model's)")
      ->type_name("N")
      ->check(whole_number(1, INT32_MAX));
}

}  // namespace hone::cli

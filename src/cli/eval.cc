// hone eval MODEL.onnx --data DATA: accuracy and loss on the test set.
#include <fmt/core.h>
#include <hone/hone.h>

#include "base/error.h"
#include "cli/command.h"

namespace hone::cli {
namespace {

struct EvalArgs {
  std::string model;
  std::string data = "fashion-mnist";
};

void eval(const EvalArgs& args, const Common& common) {
  Model model = Model::load(args.model);
  model.compile({.seed = common.seed, .threads = common.threads});
  const data::Splits data = data::load(args.data, 0);
  check_fits(args.model, model, data.test);
  const Evaluation e = model.evaluate(data.test);
  say(common,
      fmt::format("accuracy {:.2f}%, loss {:.4f} on {} test images of {}, {:.0f} images/s",
                  100 * e.accuracy, e.loss, grouped(e.samples), data.test.name, e.samples_per_s));
  say_json(common, {{"accuracy", number(e.accuracy)},
                    {"loss", e.loss},
                    {"samples", e.samples},
                    {"samples_per_s", e.samples_per_s}});
}

}  // namespace

void add_eval(CLI::App& app, Common& common) {
  auto args = std::make_shared<EvalArgs>();
  CLI::App* c = add_command(app, "eval", "Evaluate a model on a test set", common,
                            [args, &common] { eval(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  c->add_option("--data", args->data,
                "fashion-mnist or a folder of IDX files (default: fashion-mnist)");
}

}  // namespace hone::cli

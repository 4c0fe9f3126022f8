// Options to a recipe.
#include "cli/train_recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "cli/usage.h"

namespace hone::cli {
namespace {

Schedule::Kind schedule_kind(const std::string& name) {
  if (name == "cosine") return Schedule::Kind::cosine;
  return name == "step" ? Schedule::Kind::step : Schedule::Kind::constant;
}

std::string_view name_of(const Optimizer& o) {
  if (o.kind == Optimizer::Kind::sgd) return o.nesterov ? "nesterov" : "sgd";
  return o.kind == Optimizer::Kind::adam ? "adam" : "adamw";
}

Optimizer choose_optimizer(const RecipeArgs& args, const Optimizer& standard) {
  Optimizer o = standard;
  if (args.optimizer == "sgd") o = sgd();
  if (args.optimizer == "nesterov") o = sgd({.momentum = 0.9, .nesterov = true});
  if (args.optimizer == "adam") o = adam();
  if (args.optimizer == "adamw") o = adamw();
  if (args.lr > 0) o.lr = args.lr;
  require(args.momentum < 0 || o.kind == Optimizer::Kind::sgd,
          "--momentum {}: expected --optimizer sgd or nesterov, found {}", args.momentum,
          args.optimizer.empty() ? "adam, the model's" : args.optimizer);
  if (args.momentum >= 0) o.momentum = args.momentum;
  require(o.momentum > 0 || !o.nesterov, "--momentum 0: expected a number above 0 with nesterov");
  if (args.weight_decay >= 0) o.weight_decay = args.weight_decay;
  return o;
}

}  // namespace

ChosenRecipe choose_recipe(const RecipeArgs& args, const nn::Recipe& standard,
                           const data::Dataset& train) {
  const Shape images = train.images.shape();
  const int64_t height = images.rank() == 4 ? images[2] : 0;
  ChosenRecipe out;
  out.epochs = args.epochs > 0 ? args.epochs : standard.epochs;
  out.batch = args.batch > 0 ? args.batch : std::min(standard.batch, train.size());
  out.steps = (train.size() + out.batch - 1) / out.batch;
  out.optimizer = nn::with_schedule(
      choose_optimizer(args, standard.optimizer),
      args.schedule.empty() ? standard.schedule : schedule_kind(args.schedule), out.epochs,
      out.steps, args.warmup >= 0 ? args.warmup : standard.warmup_epochs * out.steps);
  out.augment.flip = !args.no_flip && (args.flip || standard.flip);
  out.augment.crop_pad = args.crop >= 0
                             ? args.crop
                             : static_cast<int64_t>(standard.crop * static_cast<double>(height));
  return out;
}

std::string ChosenRecipe::describe() const {
  const Schedule& s = optimizer.schedule;
  const auto count = [](int64_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  std::string out = fmt::format("{} of {}, batch {}, {} {:g}", count(epochs, "epoch"),
                                count(steps, "step"), batch, name_of(optimizer), optimizer.lr);
  if (optimizer.momentum > 0) out += fmt::format(", momentum {:g}", optimizer.momentum);
  if (optimizer.weight_decay > 0) out += fmt::format(", weight decay {:g}", optimizer.weight_decay);
  if (s.kind != Schedule::Kind::constant)
    out += s.kind == Schedule::Kind::cosine ? ", cosine" : ", steps";
  if (s.warmup > 0) out += ", " + count(s.warmup, "step") + " of warm-up";
  if (augment.flip) out += ", flip";
  if (augment.crop_pad > 0) out += fmt::format(", crop {}", augment.crop_pad);
  return out;
}

void add_recipe_options(CLI::App& command, RecipeArgs& args) {
  const auto option = [&](const std::string& name, auto& value, const std::string& type,
                          const std::string& what) {
    return command.add_option(name, value, what)->type_name(type);
  };
  const auto one_of = [](const std::vector<std::string>& names) {
    return CLI::IsMember(names).description("");  // the option's text lists them
  };
  option("--epochs", args.epochs, "N", "Passes over the training data (default: the model's)")
      ->check(whole_number(1, INT32_MAX));
  option("--batch", args.batch, "N", "Samples a step (default: the model's)")
      ->check(whole_number(1, INT64_MAX));
  option("--optimizer", args.optimizer, "NAME", "sgd, nesterov, adam or adamw (default: model's)")
      ->check(one_of({"sgd", "nesterov", "adam", "adamw"}));
  option("--lr", args.lr, "X", "Learning rate (default: the model's, or that of --optimizer)")
      ->check(positive_number());
  option("--momentum", args.momentum, "X", "Momentum of sgd and nesterov (default: likewise)")
      ->check(number_from(0, 1));
  option("--weight-decay", args.weight_decay, "X", "Weight decay (default: likewise)")
      ->check(number_from(0, INFINITY));
  option("--schedule", args.schedule, "NAME",
         "Learning rate: constant, step or cosine (default: the model's)")
      ->check(one_of({"constant", "step", "cosine"}));
  option("--warmup", args.warmup, "N", "Steps of linear warm-up (default: the model's)")
      ->check(whole_number(0, INT64_MAX));
  CLI::Option* flip = command.add_flag("--flip", args.flip,
                                       "Augment: mirror images at random (default: the model's)");
  command.add_flag("--no-flip", args.no_flip, "Do not")->excludes(flip);
  option("--crop", args.crop, "N",
         "Augment: pad by N pixels and crop at random (default: the model's)")
      ->check(whole_number(0, INT32_MAX));
}

}  // namespace hone::cli

// hone train MODEL --data DATA: from a data set to an ONNX file, with checkpoints and a report.
#include <fmt/core.h>
#include <hone/hone.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/tensorboard_log.h"
#include "cli/train_recipe.h"
#include "cli/training_report.h"
#include "cli/usage.h"
#include "io/file.h"
#include "io/onnx_model.h"
#include "nn/zoo/zoo.h"
#include "train/run_state.h"

namespace hone::cli {
namespace {

struct TrainArgs {
  std::string model;
  std::string data = "fashion-mnist";
  std::string resize;
  std::string output;
  int64_t opset = io::kOnnxOpset;
  std::string report;
  RecipeArgs recipe;
  double val_split = 0.1;
  std::string checkpoint;
  bool resume = false;
  int64_t checkpoint_steps = 0;
  int64_t shards = 0;
  int64_t memory_limit = 0;
  int patience = 0;
  bool best = false;
  std::string tensorboard;
  std::string dump_passes;
};

bool is_file(const std::string& model) { return model.ends_with(".onnx"); }

// What networks of no recipe of their own are trained with.
const nn::Recipe kPlain = {.optimizer = adam()};

void check_folder(const std::string& path, std::string_view what) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || access(path.c_str(), W_OK) != 0)
    fail(ErrorKind::Io, "cannot write to the {} folder '{}': {}", what, path,
         error ? error.message() : std::strerror(errno));
}

// A long run must not end on an output that could have been refused at its start.
void check_outputs(const TrainArgs& args) {
  for (const std::string& path : {args.output, args.report})
    if (!path.empty()) io::require_writable(path);
  if (!args.tensorboard.empty()) check_folder(args.tensorboard, "TensorBoard");
  if (args.checkpoint.empty()) return;
  check_folder(args.checkpoint, "checkpoint");
  require(args.resume || !train::has_run(args.checkpoint),
          "checkpoint folder '{}' already holds a run: give --resume to go on with it, or another "
          "folder",
          args.checkpoint);
}

std::string describe(const StepMemory& memory) {
  constexpr double kMega = 1 << 20;
  std::string text = fmt::format("memory of a step: {:.1f} MiB beside the model",
                                 static_cast<double>(memory.bytes) / kMega);
  if (memory.bytes < memory.unlimited_bytes)
    text +=
        fmt::format(" (without the limit {:.1f} MiB), for {:.1f}% more arithmetic",
                    static_cast<double>(memory.unlimited_bytes) / kMega, 100 * memory.recomputed);
  return text;
}

void train(const TrainArgs& args, const Common& common, const std::string& command) {
  watch_for_interrupts();
  const nn::ZooEntry* zoo = is_file(args.model) ? nullptr : &nn::zoo_entry(args.model);
  std::optional<Model> loaded;
  if (zoo == nullptr) loaded = Model::load(args.model);
  check_outputs(args);
  require(args.val_split > 0 || !(args.best || args.patience > 0),
          "--best and --patience judge by validation data: expected --val-split above 0");
  const data::Splits data =
      data::load(args.data, {.validation = args.val_split,
                             .seed = common.seed,
                             .sample = loaded ? loaded->sample_shape() : Shape(),
                             .resize = args.resize});
  Model model = loaded ? std::move(*loaded) : Model(zoo->of(data.train.classes()), args.model);
  if (zoo == nullptr) check_fits(args.model, model, data.train);

  const ChosenRecipe recipe =
      choose_recipe(args.recipe, zoo == nullptr ? kPlain : zoo->recipe, data.train);
  model.compile({.optimizer = recipe.optimizer,
                 .loss = softmax_cross_entropy(),
                 .metrics = {accuracy()},
                 .seed = common.seed,
                 .threads = common.threads,
                 .dump_passes = args.dump_passes});
  model.build(Shape(std::vector<int64_t>(data.train.images.shape().dims().begin() + 1,
                                         data.train.images.shape().dims().end())));
  say(common, fmt::format("{}: {} parameters\n{}: {} training, {} validation, {} test images\n{}",
                          args.model, grouped(model.parameters()), data.train.name,
                          grouped(data.train.size()), grouped(data.validation.size()),
                          grouped(data.test.size()), recipe.describe()));

  if (args.resume)
    say(common, train::has_run(args.checkpoint)
                    ? fmt::format("going on from '{}'", args.checkpoint)
                    : fmt::format("no checkpoint in '{}' yet: starting afresh", args.checkpoint));

  ProgressLine progress(common.quiet);
  FitOptions fit;
  fit.epochs = recipe.epochs;
  fit.batch = recipe.batch;
  fit.validation = data.validation;
  fit.shards = args.shards;
  fit.memory_limit = args.memory_limit;
  fit.augment = recipe.augment;
  fit.patience = args.patience;
  fit.restore_best = args.best;
  fit.checkpoint_dir = args.checkpoint;
  fit.resume = args.resume;
  fit.checkpoint_steps = args.checkpoint_steps;
  std::optional<TensorboardLog> tensorboard;
  if (!args.tensorboard.empty())
    tensorboard.emplace(args.tensorboard, recipe.optimizer, recipe.steps);
  // Whoever watches sees no more of a run that goes on.
  const auto log = [&](const std::function<void()>& write) {
    try {
      if (tensorboard) write();
    } catch (const Error& e) {
      tensorboard.reset();
      progress.warn(fmt::format("{}; training goes on without --tensorboard", e.what()));
    }
  };
  StepMemory memory{};
  fit.on_plan = [&](const StepMemory& m) {
    memory = m;
    say(common, describe(m));
  };
  fit.on_progress = [&](const Progress& p) {
    progress.step(p);
    log([&] { tensorboard->step(p); });
  };
  fit.on_epoch = [&](int index, const Epoch& e) {
    progress.epoch(index, recipe.epochs, e);
    log([&] { tensorboard->epoch(index, e); });
  };
  fit.should_stop = [] { return interrupted(); };
  History history;
  try {
    history = model.fit(data.train, fit);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::Cancelled) throw;
    if (args.checkpoint.empty())
      fail(ErrorKind::Cancelled, "{} (give --checkpoint DIR to keep such a run)", e.what());
    fail(ErrorKind::Cancelled, "{}; to go on: {}{}", e.what(), command,
         args.resume ? "" : " --resume");
  }

  const Evaluation test = model.evaluate(data.test);
  say(common, fmt::format("test: {} of {} images right, accuracy {:.2f}%, loss {:.4f}",
                          std::llround(test.accuracy * static_cast<double>(test.samples)),
                          test.samples, 100 * test.accuracy, test.loss));
  if (!args.output.empty()) {
    model.save(args.output, args.opset);
    say(common, fmt::format("wrote {}", args.output));
  }
  if (!args.report.empty()) {
    write_training_report(
        args.report, model, history, data.test, test,
        {.command = command, .data = args.data, .seed = common.seed, .threads = common.threads});
    say(common, fmt::format("wrote {}", args.report));
  }
  nlohmann::json epochs = nlohmann::json::array();
  for (const Epoch& e : history.epochs)
    epochs.push_back({{"train_loss", number(e.loss)},
                      {"loss", number(e.validation_loss)},
                      {"accuracy", number(e.validation_accuracy)},
                      {"images_per_s", e.samples_per_s}});
  const Epoch& last = history.epochs.back();
  say_json(common, {{"model", args.model},
                    {"epochs", history.epochs.size()},
                    {"seed", common.seed},
                    {"accuracy", number(last.validation_accuracy)},
                    {"loss", number(last.validation_loss)},
                    {"train_loss", number(last.loss)},
                    {"test_accuracy", number(test.accuracy)},
                    {"test_loss", number(test.loss)},
                    {"images_per_s", last.samples_per_s},
                    {"step_bytes", memory.bytes},
                    {"history", epochs}});
}

}  // namespace

void add_train(CLI::App& app, Common& common, const std::string& command) {
  auto args = std::make_shared<TrainArgs>();
  CLI::App* c = add_command(app, "train", "Train a network and save it", common,
                            [args, &common, command] { train(*args, common, command); });
  std::string models = "An ONNX file, or one of the zoo:";
  for (const nn::ZooEntry& e : nn::zoo()) models += fmt::format("\n  {}: {}", e.name, e.what);
  const auto option = [c](const std::string& name, auto& value, const std::string& type,
                          const std::string& what) {
    return c->add_option(name, value, what)->type_name(type);
  };
  option("MODEL", args->model, "", models)->required();
  option("--data", args->data, "DATA",
         "fashion-mnist (default), an .npz file, or a folder of IDX files or of pictures by class");
  option("--resize", args->resize, "HOW",
         "Bring pictures to one size: the shorter side to 256, or to 256x320, then the middle "
         "(default: they have one)");
  option("-o,--output", args->output, "FILE", "ONNX file to write");
  add_opset_option(*c, args->opset);
  option("--report", args->report, "FILE", "HTML report to write");

  c->option_defaults()->group("Training");
  add_recipe_options(*c, args->recipe);
  option("--val-split", args->val_split, "X", "Fraction of the data held out (default: 0.1)")
      ->check(number_from(0, 0.9));
  option("--patience", args->patience, "N", "Stop after N epochs without a better validation loss")
      ->check(whole_number(1, INT32_MAX));
  c->add_flag("--best", args->best, "End with the weights of the best epoch, not the last");
  option("--memory-limit", args->memory_limit, "SIZE",
         "The most memory of a step beside the model, such as 512M or 2GiB: what does not fit is "
         "computed again")
      ->transform(memory_size());
  option("--shards", args->shards, "N", "Virtual shards of a batch (docs/numerics.md)")
      ->check(whole_number(1, INT64_MAX));

  c->option_defaults()->group("Saving and going on");
  CLI::Option* checkpoint = option("--checkpoint", args->checkpoint, "DIR",
                                   "Folder to save the run in, after each epoch");
  c->add_flag("--resume", args->resume, "Go on from the run in that folder")->needs(checkpoint);
  option("--checkpoint-steps", args->checkpoint_steps, "N", "Also save every N steps")
      ->check(whole_number(1, INT64_MAX))
      ->needs(checkpoint);

  c->option_defaults()->group("Watching");
  option("--tensorboard", args->tensorboard, "DIR", "Folder for TensorBoard's event files");
  option("--dump-passes", args->dump_passes, "DIR", "Folder for the graphs after each pass");
}

}  // namespace hone::cli

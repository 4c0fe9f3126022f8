// hone eval MODEL.onnx --data DATA: accuracy and loss on the test set.
#include <fmt/core.h>
#include <hone/hone.h>

#include <algorithm>

#include "base/error.h"
#include "cli/classifier.h"

namespace hone::cli {
namespace {

struct EvalArgs {
  std::string model;
  std::string data = "fashion-mnist";
  FeedArgs feed;
};

/// Where the model knows every class of the data by its name, the labels become the model's: its
/// classes may be more, or in another order.
void match_classes(data::Dataset& data, const std::vector<std::string>& names) {
  std::vector<int64_t> class_of;
  for (const std::string& name : data.class_names) {
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end()) return;
    class_of.push_back(at - names.begin());
  }
  Tensor labels = data.labels.clone();
  for (int64_t i = 0; i < data.size(); ++i) {
    int64_t& label = labels.data<int64_t>()[i];
    label = class_of[static_cast<size_t>(label)];
  }
  data.labels = std::move(labels);
  data.class_names = names;
}

void eval(const EvalArgs& args, const Common& common) {
  Classifier classifier = Classifier::load(args.model, args.feed, common);
  data::Dataset test = classifier.fitted(classifier.test_set(args.data));
  match_classes(test, classifier.model.class_names());
  classifier.tell_feed(common);
  const Evaluation e = classifier.model.evaluate(test);
  say(common,
      fmt::format("accuracy {:.2f}%, loss {:.4f} on {} test images of {}, {:.0f} images/s",
                  100 * e.accuracy, e.loss, grouped(e.samples), test.name, e.samples_per_s));
  say_json(common, {{"accuracy", number(e.accuracy)},
                    {"loss", number(e.loss)},
                    {"samples", e.samples},
                    {"samples_per_s", e.samples_per_s},
                    {"fed", classifier.feed()}});
}

}  // namespace

void add_eval(CLI::App& app, Common& common) {
  auto args = std::make_shared<EvalArgs>();
  CLI::App* c = add_command(app, "eval", "Evaluate a model on a test set", common,
                            [args, &common] { eval(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file of a classifier")->required();
  c->add_option("--data", args->data,
                "fashion-mnist (default), an .npz file, or a folder of IDX files or of pictures "
                "by class")
      ->type_name("DATA");
  add_feed_options(*c, args->feed);
}

}  // namespace hone::cli

// hone predict MODEL.onnx INPUT...: classes and probabilities, for pictures, npy arrays and test
// images by number.
#include <fmt/core.h>
#include <hone/hone.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "cli/classifier.h"
#include "cli/usage.h"
#include "data/image.h"
#include "io/npy.h"

namespace hone::cli {
namespace {

struct PredictArgs {
  std::string model;
  std::vector<std::string> inputs;
  std::string data = "fashion-mnist";
  FeedArgs feed;
  int64_t top = 1;
};

std::optional<int64_t> as_index(const std::string& text) {
  int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

/// Samples of an npy of one image or several, with or without channel and batch.
Tensor samples_of_array(const std::string& input, const Shape& sample) {
  const Tensor array = io::load_npy(input);
  require(array.dtype() == DType::u8 || array.dtype() == DType::f32,
          "'{}': expected u8 or f32 pixels, found {}", input, array.type());
  const int64_t n = array.elements() / std::max<int64_t>(1, sample.elements());
  require(n > 0 && array.elements() == n * sample.elements() && (n == 1 || array.shape()[0] == n),
          "'{}': expected images of shape {}, found {}", input, sample, array.shape());
  std::vector<int64_t> dims = sample.dims();
  dims.insert(dims.begin(), n);
  return array.reshaped(Shape(dims));
}

/// Samples [n, C, H, W] of one input.
Tensor samples_of(const std::string& input, const Classifier& classifier,
                  const data::Dataset& test) {
  if (const std::optional<int64_t> index = as_index(input)) {
    require(*index >= 0 && *index < test.size(),
            "'{}' has no image {}: expected a number in [0, {})", test.name, *index, test.size());
    return classifier
        .fitted(data::Dataset{test.images.rows(*index, *index + 1),
                              test.labels.rows(*index, *index + 1), test.class_names, test.name})
        .images;
  }
  std::error_code error;
  require(std::filesystem::exists(input, error),
          "no file '{}': expected a PNG, JPEG or .npy file, or the number of a test image", input);
  if (input.ends_with(".npy")) return samples_of_array(input, classifier.model.sample_shape());
  const Tensor sample = classifier.fitted(data::read_image(input), input);
  std::vector<int64_t> dims = sample.shape().dims();
  dims.insert(dims.begin(), 1);
  return sample.reshaped(Shape(dims));
}

/// Class, label and probability of the `top` most likely classes, the first first.
nlohmann::json ranked(const float* probabilities, int64_t classes, int64_t top,
                      const std::vector<std::string>& names) {
  std::vector<int64_t> order(static_cast<size_t>(classes));
  std::iota(order.begin(), order.end(), 0);
  const int64_t count = std::min(top, classes);
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
    return probabilities[a] > probabilities[b] || (probabilities[a] == probabilities[b] && a < b);
  });
  nlohmann::json out = nlohmann::json::array();
  for (int64_t k = 0; k < count; ++k) {
    const auto c = static_cast<size_t>(order[static_cast<size_t>(k)]);
    const std::string label = c < names.size() ? names[c] : std::to_string(c);
    out.push_back({{"class", c}, {"label", label}, {"probability", probabilities[c]}});
  }
  return out;
}

/// "Sandal (5)", or "5" where classes have no names.
std::string named_class(const nlohmann::json& row) {
  const std::string number = std::to_string(row["class"].get<int64_t>());
  const auto label = row["label"].get<std::string>();
  return label == number ? number : fmt::format("{} ({})", label, number);
}

void predict(const PredictArgs& args, const Common& common) {
  Classifier classifier = Classifier::load(args.model, args.feed, common);
  Model& model = classifier.model;
  data::Dataset test;
  if (std::any_of(args.inputs.begin(), args.inputs.end(),
                  [](const std::string& i) { return as_index(i).has_value(); }))
    test = classifier.test_set(args.data);
  classifier.tell_feed(common);
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& input : args.inputs) {
    const Tensor outputs = model.predict(samples_of(input, classifier, test));
    require(outputs.shape().rank() == 2, "'{}': expected a classifier, found outputs {}",
            args.model, outputs.shape());
    const Tensor p = model.ends_in_softmax() ? outputs : softmax_of(outputs);
    const int64_t classes = p.shape()[1];
    for (int64_t i = 0; i < p.shape()[0]; ++i) {
      const nlohmann::json best =
          ranked(p.data<float>() + i * classes, classes, args.top, model.class_names());
      std::string indent = input;
      for (const nlohmann::json& row : best) {
        say(common, fmt::format("{}  {}  {:.1f}%", indent, named_class(row),
                                100 * row["probability"].get<float>()));
        indent.assign(input.size(), ' ');
      }
      nlohmann::json row = best[0];
      row["input"] = input;
      if (args.top > 1) row["top"] = best;
      rows.push_back(std::move(row));
    }
  }
  say_json(common, {{"predictions", rows}, {"fed", classifier.feed()}});
}

}  // namespace

void add_predict(CLI::App& app, Common& common) {
  auto args = std::make_shared<PredictArgs>();
  CLI::App* c = add_command(app, "predict", "Classify images", common,
                            [args, &common] { predict(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file of a classifier")->required();
  c->add_option("INPUT", args->inputs,
                "PNG or JPEG pictures, .npy files of pixels, or numbers of test images")
      ->required();
  c->add_option("--top", args->top, "How many classes to name (default: 1)")
      ->type_name("K")
      ->check(whole_number(1, INT32_MAX));
  c->add_option("--data", args->data, "Where test images come from (default: fashion-mnist)")
      ->type_name("DATA");
  add_feed_options(*c, args->feed);
}

}  // namespace hone::cli

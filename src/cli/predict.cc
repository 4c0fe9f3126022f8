// hone predict MODEL.onnx INPUT...: class and probability, for test images by number or npy arrays.
#include <fmt/core.h>
#include <hone/hone.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "io/npy.h"

namespace hone::cli {
namespace {

struct PredictArgs {
  std::string model;
  std::vector<std::string> inputs;
  std::string data = "fashion-mnist";
};

std::optional<int64_t> as_index(const std::string& text) {
  int64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return index;
}

// Samples [n, C, H, W] of one input: a test image, or an npy of one image, with or without channel
// and batch.
Tensor samples_of(const std::string& input, const Shape& sample, const data::Dataset& test) {
  if (const std::optional<int64_t> index = as_index(input)) {
    require(*index >= 0 && *index < test.size(),
            "'{}' has no image {}: expected a number in [0, {})", test.name, *index, test.size());
    return test.images.rows(*index, *index + 1);
  }
  std::error_code error;
  require(std::filesystem::exists(input, error),
          "no file '{}': expected the number of a test image or an .npy file", input);
  const Tensor array = io::load_npy(input);
  require(array.dtype() == DType::u8 || array.dtype() == DType::f32,
          "'{}': expected u8 or f32 pixels, found {}", input, array.type().to_string());
  const int64_t n = array.elements() / std::max<int64_t>(1, sample.elements());
  require(n > 0 && array.elements() == n * sample.elements() && (n == 1 || array.shape()[0] == n),
          "'{}': expected images of shape {}, found {}", input, sample.to_string(),
          array.shape().to_string());
  std::vector<int64_t> dims = sample.dims();
  dims.insert(dims.begin(), n);
  return array.reshaped(Shape(dims));
}

void predict(const PredictArgs& args, const Common& common) {
  Model model = Model::load(args.model);
  model.compile({.threads = common.threads});
  data::Dataset test;
  if (std::any_of(args.inputs.begin(), args.inputs.end(),
                  [](const std::string& i) { return as_index(i).has_value(); }))
    test = data::load(args.data, 0).test;
  if (test.size() > 0) check_fits(args.model, model, test);
  const std::vector<std::string>& names = model.class_names();
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& input : args.inputs) {
    const Tensor p = softmax_of(model.predict(samples_of(input, model.sample_shape(), test)));
    const int64_t classes = p.shape()[1];
    for (int64_t i = 0; i < p.shape()[0]; ++i) {
      const float* row = p.data<float>() + i * classes;
      const int64_t best = std::max_element(row, row + classes) - row;
      const std::string label = best < static_cast<int64_t>(names.size())
                                    ? names[static_cast<size_t>(best)]
                                    : std::to_string(best);
      say(common, fmt::format("{}  {} ({})  {:.1f}%", input, label, best, 100 * row[best]));
      rows.push_back(
          {{"input", input}, {"class", best}, {"label", label}, {"probability", row[best]}});
    }
  }
  say_json(common, {{"predictions", rows}});
}

}  // namespace

void add_predict(CLI::App& app, Common& common) {
  auto args = std::make_shared<PredictArgs>();
  CLI::App* c = add_command(app, "predict", "Classify images", common,
                            [args, &common] { predict(*args, common); });
  c->add_option("MODEL", args->model, "ONNX file")->required();
  c->add_option("INPUT", args->inputs, "Numbers of test images, or .npy files of raw pixels")
      ->required();
  c->add_option("--data", args->data, "Where test images come from (default: fashion-mnist)");
}

}  // namespace hone::cli

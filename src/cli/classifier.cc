// Options to factors, pictures to samples.
#include "cli/classifier.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "data/image.h"

namespace hone::cli {
namespace {

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool ok = error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  return ok ? std::optional(value) : std::nullopt;
}

/// "0.5" or "1/255"
double number_or_ratio(std::string_view option, std::string_view text) {
  const size_t slash = text.find('/');
  const std::optional<double> above = number_in(text.substr(0, slash));
  const std::optional<double> below =
      slash == std::string_view::npos ? 1.0 : number_in(text.substr(slash + 1));
  require(above && below && *below != 0, "{}: expected a number or a ratio as 1/255, found '{}'",
          option, text);
  return *above / *below;
}

std::vector<double> numbers(std::string_view option, std::string_view text) {
  std::vector<double> out;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    out.push_back(number_or_ratio(option, text.substr(0, comma)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

ForeignOptions parsed(const FeedArgs& args) {
  ForeignOptions out;
  if (!args.scale.empty()) out.scale = number_or_ratio("--scale", args.scale);
  require(out.scale != 0, "--scale: expected a number other than 0");
  out.mean = numbers("--mean", args.mean);
  out.deviation = numbers("--std", args.deviation);
  for (double d : out.deviation) require(d > 0, "--std: expected numbers above 0, found {}", d);
  out.output = args.output;
  out.dims = args.dims;
  return out;
}

}  // namespace

void add_feed_options(CLI::App& command, FeedArgs& args) {
  command
      .add_option("--resize", args.resize,
                  "Bring pictures to the model's size: stretch, or the shorter side as 256, or "
                  "256x320, then the middle (default: they have that size)")
      ->type_name("HOW");
  command.add_option("--scale", args.scale, "Multiply pixels, 0 to 255, by this, as 1/255")
      ->type_name("X");
  command.add_option("--mean", args.mean, "Then subtract: a number, or one a channel, as .5,.4,.4")
      ->type_name("X");
  command.add_option("--std", args.deviation, "Then divide by: a number, or one a channel")
      ->type_name("X");
  command.add_option("--output", args.output, "Which output are the classes, if several could be")
      ->type_name("NAME");
  add_dim_option(command, args.dims);
}

Classifier Classifier::load(const std::string& file, const FeedArgs& args, const Common& common) {
  ForeignOptions options = parsed(args);
  const data::Resize resize =
      args.resize.empty() ? data::Resize() : data::Resize::parse(args.resize);
  Model model = Model::load(file, options);
  model.compile({.seed = common.seed, .threads = common.threads});
  return {file, args, std::move(model), std::move(options), resize};
}

Tensor Classifier::fitted(const Tensor& picture, const std::string& name) const {
  const Shape sample = model.sample_shape();
  require(sample.rank() == 3 && (sample[0] == 1 || sample[0] == 3),
          "'{}': expected a model that takes pictures of 1 or 3 channels, found one of {}", file,
          sample);
  try {
    return data::fit_image(data::with_channels(picture, sample[0]), resize, sample[1], sample[2]);
  } catch (const Error& e) {
    fail(e.kind(), "'{}': {}", name, e.what());
  }
}

data::Dataset Classifier::test_set(const std::string& name) const {
  return data::load_test(name, {.sample = model.sample_shape(), .resize = args.resize});
}

data::Dataset Classifier::fitted(data::Dataset data) const {
  const Shape sample = model.sample_shape();
  const Shape found = data.images.shape();
  const bool pictures = data.images.dtype() == DType::u8 && found.rank() == 4 && sample.rank() == 3;
  const bool same_size = pictures && found[2] == sample[1] && found[3] == sample[2];
  if (pictures && !(same_size && found[1] == sample[0]) &&
      (same_size || resize.kind != data::Resize::Kind::none)) {
    Tensor images(DType::u8, {data.size(), sample[0], sample[1], sample[2]});
    for (int64_t i = 0; i < data.size(); ++i) {
      const Tensor picture = data.images.rows(i, i + 1).reshaped({found[1], found[2], found[3]});
      const Tensor one = fitted(picture, data.name);
      std::memcpy(images.rows(i, i + 1).raw(), one.raw(), static_cast<size_t>(one.bytes()));
    }
    data.images = std::move(images);
  }
  check_fits(file, model, data);
  return data;
}

nlohmann::json Classifier::feed() const {
  nlohmann::json out = {{"shape", model.sample_shape().dims()}, {"scale", options.scale}};
  const Shape sample = model.sample_shape();
  if (resize.kind != data::Resize::Kind::none)
    out["resize"] = resize.describe(sample[1], sample[2]);
  if (!options.mean.empty()) out["mean"] = options.mean;
  if (!options.deviation.empty()) out["std"] = options.deviation;
  return out;
}

void Classifier::tell_feed(const Common& common) const {
  if (common.quiet || common.json) return;
  const Shape sample = model.sample_shape();
  std::string line = fmt::format("fed: {}", sample.to_string());
  if (sample.rank() == 3) {
    line += sample[0] == 3 ? " RGB" : sample[0] == 1 ? " grey" : "";
    if (resize.kind != data::Resize::Kind::none)
      line += ", " + resize.describe(sample[1], sample[2]);
  }
  line += ", pixels 0 to 255";
  if (options.scale != 1) line += fmt::format(" * {:.6g}", options.scale);
  if (!options.mean.empty()) line += fmt::format(" - ({:.6g})", fmt::join(options.mean, ", "));
  if (!options.deviation.empty())
    line += fmt::format(" / ({:.6g})", fmt::join(options.deviation, ", "));
  fmt::print(stderr, "{}\n", line);
}

}  // namespace hone::cli

// Two passes of one-dimensional weighted means.
#include "data/resize.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "data/image.h"

namespace hone::data {
namespace {

/// What one pixel of the result is made of: `weights` of the pixels from `first` on.
struct Taps {
  int64_t first;
  std::vector<float> weights;
};

std::vector<Taps> triangle_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double radius = std::max(1.0, scale);
  std::vector<Taps> out;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto first = std::max<int64_t>(0, std::llround(centre - radius));
    const auto end = std::min<int64_t>(from, std::llround(centre + radius));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t j = first; j < end; ++j) {
      const double distance = std::abs(static_cast<double>(j) + 0.5 - centre) / radius;
      weights.push_back(std::max(0.0, 1 - distance));
      sum += weights.back();
    }
    Taps taps{first, {}};
    for (double w : weights) taps.weights.push_back(static_cast<float>(w / sum));
    out.push_back(std::move(taps));
  }
  return out;
}

std::optional<int64_t> extent(std::string_view text) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  const bool ok = error == std::errc() && end == text.data() + text.size() && n > 0;
  return ok && n <= kMostPixels ? std::optional(n) : std::nullopt;
}

}  // namespace

Tensor resize_image(const Tensor& image, int64_t height, int64_t width) {
  const int64_t channels = image.shape()[0];
  const int64_t h = image.shape()[1];
  const int64_t w = image.shape()[2];
  require(height > 0 && width > 0 && height <= kMostPixels / width,
          "cannot resize a picture to {}x{}", height, width);
  if (h == height && w == width) return image;
  const std::vector<Taps> across = triangle_taps(w, width);
  const std::vector<Taps> down = triangle_taps(h, height);
  Tensor out(DType::u8, {channels, height, width});
  std::vector<float> narrow(static_cast<size_t>(h * width));
  std::vector<float> row(static_cast<size_t>(width));
  for (int64_t c = 0; c < channels; ++c) {
    const uint8_t* in = image.data<uint8_t>() + c * h * w;
    for (int64_t y = 0; y < h; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        const Taps& taps = across[static_cast<size_t>(x)];
        const uint8_t* pixel = in + y * w + taps.first;
        float sum = 0;
        for (float weight : taps.weights) sum += weight * static_cast<float>(*pixel++);
        narrow[static_cast<size_t>(y * width + x)] = sum;
      }
    }
    uint8_t* to = out.data<uint8_t>() + c * height * width;
    for (int64_t y = 0; y < height; ++y) {
      const Taps& taps = down[static_cast<size_t>(y)];
      std::fill(row.begin(), row.end(), 0.5f);
      for (size_t k = 0; k < taps.weights.size(); ++k) {
        const float* from = narrow.data() + (taps.first + static_cast<int64_t>(k)) * width;
        for (int64_t x = 0; x < width; ++x)
          row[static_cast<size_t>(x)] += taps.weights[k] * from[x];
      }
      for (int64_t x = 0; x < width; ++x)
        to[y * width + x] = static_cast<uint8_t>(std::min(row[static_cast<size_t>(x)], 255.0f));
    }
  }
  return out;
}

Tensor centre_crop(const Tensor& image, int64_t height, int64_t width) {
  const int64_t channels = image.shape()[0];
  const int64_t h = image.shape()[1];
  const int64_t w = image.shape()[2];
  require(height <= h && width <= w, "cannot cut {}x{} out of a picture of {}x{}", height, width, h,
          w);
  if (h == height && w == width) return image;
  Tensor out(DType::u8, {channels, height, width});
  const int64_t top = (h - height) / 2;
  const int64_t left = (w - width) / 2;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t y = 0; y < height; ++y)
      std::memcpy(out.data<uint8_t>() + (c * height + y) * width,
                  image.data<uint8_t>() + (c * h + top + y) * w + left, static_cast<size_t>(width));
  return out;
}

Resize Resize::parse(const std::string& text) {
  if (text == "stretch") return {Kind::stretch, 0, 0};
  const size_t by = text.find('x');
  const std::optional<int64_t> height = extent(std::string_view(text).substr(0, by));
  if (by == std::string::npos && height) return {Kind::shortest, *height, 0};
  const std::optional<int64_t> width =
      by == std::string::npos ? std::nullopt : extent(std::string_view(text).substr(by + 1));
  require(height && width,
          "resize: expected stretch, a side as 256, or a size as 256x320, found '{}'", text);
  return {Kind::exact, *height, *width};
}

std::string Resize::describe(int64_t to_height, int64_t to_width) const {
  const std::string size = fmt::format("{}x{}", to_height, to_width);
  switch (kind) {
    case Kind::none:
      return "not resized";
    case Kind::stretch:
      return "stretched to " + size;
    case Kind::shortest:
      return fmt::format("the shorter side to {}, the middle {}", height, size);
    case Kind::exact:
      return fmt::format("to {}x{}, the middle {}", height, width, size);
  }
  fail(ErrorKind::Internal, "resize kind {} does not exist", static_cast<int>(kind));
}

Tensor fit_image(const Tensor& image, const Resize& how, int64_t height, int64_t width) {
  const int64_t h = image.shape()[1];
  const int64_t w = image.shape()[2];
  switch (how.kind) {
    case Resize::Kind::none:
      require(h == height && w == width,
              "expected {}x{} pixels, found {}x{} (--resize changes that)", height, width, h, w);
      return image;
    case Resize::Kind::stretch:
      return resize_image(image, height, width);
    case Resize::Kind::shortest: {
      // The longer side keeps the proportions, rounded down, as others do.
      const int64_t shorter = std::min(h, w);
      return centre_crop(resize_image(image, h * how.height / shorter, w * how.height / shorter),
                         height, width);
    }
    case Resize::Kind::exact:
      return centre_crop(resize_image(image, how.height, how.width), height, width);
  }
  fail(ErrorKind::Internal, "resize kind {} does not exist", static_cast<int>(how.kind));
}

}  // namespace hone::data

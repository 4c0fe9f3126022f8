// Pictures of another size.
#pragma once

#include <hone/tensor.h>

#include <optional>
#include <string>
#include <string_view>

namespace hone::data {

/// u8 [C,height,width] of u8 [C,H,W]: bilinear, and where it shrinks antialiased, the triangle
/// growing with the factor. A pixel is the weighted mean of those that its triangle covers, the
/// weights of those inside the picture adding up to one; columns first, then rows, in float,
/// rounded once to the nearest.
Tensor resize_image(const Tensor& image, int64_t height, int64_t width);

/// The middle [C,height,width] of a picture that is at least as large; of an odd margin the smaller
/// part is above and left.
Tensor centre_crop(const Tensor& image, int64_t height, int64_t width);

/// How a picture comes to the size that a network takes.
struct Resize {
  enum class Kind {
    none,      ///< it has to have that size
    stretch,   ///< to the network's size, whatever the proportions
    shortest,  ///< the shorter side to `height`, proportions kept, then the middle is cut out
    exact      ///< to `height` x `width`, then the middle is cut out
  };
  Kind kind = Kind::none;
  int64_t height = 0, width = 0;

  /// "stretch", "256" or "256x320" (height x width). Throws InvalidInput for anything else.
  static Resize parse(const std::string& text);
  /// "the shorter side to 256, the middle 224x224", for a person.
  std::string describe(int64_t to_height, int64_t to_width) const;
};

/// `image` at `height` x `width`. Throws InvalidInput, naming both sizes, where `how` does not lead
/// there.
Tensor fit_image(const Tensor& image, const Resize& how, int64_t height, int64_t width);

}  // namespace hone::data

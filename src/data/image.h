// Pictures from files: PNG and JPEG as tensors of pixels, ready to be resized and fed.
#pragma once

#include <hone/tensor.h>

#include <string>
#include <string_view>

namespace hone::data {

/// The most pixels that a picture may have: one that says more is refused before anything is
/// allocated for it.
inline constexpr int64_t kMostPixels = int64_t{1} << 26;

/// True for a name that ends as those of pictures do: .png, .jpg or .jpeg, in any case.
bool is_image_name(std::string_view path);

/// A PNG or JPEG file, told apart by its first bytes, as u8 [1,H,W] where it is grey, else as u8
/// [3,H,W] (red, green, blue). Transparency and the orientation that cameras note are left out, and
/// of 16 bits the upper 8 are kept. Throws Io, InvalidInput for a file that is no picture or is
/// damaged, and Unsupported for one of too many pixels; the line names the file.
Tensor read_image(const std::string& path);

/// The same of a file's bytes; `name` stands in the errors.
Tensor decode_image(std::string_view bytes, std::string_view name);

/// u8 [channels,H,W] of a picture [1,H,W] or [3,H,W]; `channels` is 1 or 3. Grey is the luma of
/// ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, to the nearest; colours of a grey picture are equal.
Tensor with_channels(const Tensor& image, int64_t channels);

}  // namespace hone::data

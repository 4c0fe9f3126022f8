// The seam to the libraries that decode pictures: one function, and one file, for each.
#pragma once

#include <hone/tensor.h>

#include <string_view>

namespace hone::data {

/// u8 [C,H,W] of a file's bytes. Throws InvalidInput or Unsupported with a line that does not name
/// the file.
Tensor decode_png(std::string_view bytes);
Tensor decode_jpeg(std::string_view bytes);

/// Throws unless the picture's extent is one that hone reads.
void check_extent(int64_t width, int64_t height);

/// [C,H,W] from rows of interleaved pixels.
Tensor planar(const unsigned char* pixels, int64_t channels, int64_t height, int64_t width);

}  // namespace hone::data

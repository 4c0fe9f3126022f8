// Pictures inside a page: pixels as PNG, PNG as a data URI.
#pragma once

#include <hone/tensor.h>

#include <string>
#include <string_view>

namespace hone::report {

/// A PNG of u8 pixels [H,W], [1,H,W] (grey) or [3,H,W] (red, green, blue). Throws InvalidInput for
/// anything else.
std::string png(const Tensor& pixels);

/// "data:image/png;base64,...", to be the src of an <img>.
std::string png_data_uri(const Tensor& pixels);

std::string base64(std::string_view bytes);

}  // namespace hone::report

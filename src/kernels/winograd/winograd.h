// "winograd": 3x3 convolutions of stride 1 by Winograd's minimal filtering, in layout nhwc.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

/// winograd_conv2d (conv.cc).
std::string refuse_winograd(const Problem& problem);
std::unique_ptr<Kernel> make_winograd(const Problem& problem);
std::optional<ir::PanelFormat> wanted_winograd_panels(const ir::Node& node,
                                                      const TensorType& filter, Isa isa);
/// winograd_filter (filter.cc).
std::string refuse_winograd_filter(const Problem& problem);
std::unique_ptr<Kernel> make_winograd_filter(const Problem& problem);

}  // namespace hone::kernels

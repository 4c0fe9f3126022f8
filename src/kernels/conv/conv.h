// "conv.direct": the three convolutions without im2col or transforms, in layout nhwc.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

/// Why conv.direct does not take a node of any of the three ops, or empty.
std::string refuse_direct_conv(const Problem& problem);

/// conv2d, and conv2d_grad_input: every pixel of the result gathers what it reads (gather.cc).
std::unique_ptr<Kernel> make_conv_forward(const Problem& problem);
std::unique_ptr<Kernel> make_conv_grad_input(const Problem& problem);
/// True if conv2d may read operand 0 as NCHW: few channels, not depthwise.
bool reads_planes(const Problem& problem);
/// How either of them would have its weights packed.
std::optional<ir::PanelFormat> wanted_conv_panels(const ir::Node& node, const TensorType& weight,
                                                  Isa isa);
/// conv2d_grad_weight (grad_weight.cc).
std::unique_ptr<Kernel> make_conv_grad_weight(const Problem& problem);

}  // namespace hone::kernels

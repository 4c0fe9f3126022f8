// "int8.dot": matmul and conv2d (in nhwc) of bytes, summed exactly in i32.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

std::string refuse_dot(const Problem& problem);
std::unique_ptr<Kernel> make_dot(const Problem& problem);
/// True of a level with dot products of bytes; lower ones multiply integers of 16 bits.
bool multiplies_bytes(Isa isa);
std::optional<ir::PanelFormat> wanted_dot_panels(const ir::Node& node, const TensorType& weight,
                                                 Isa isa);

}  // namespace hone::kernels

// The kernels of the gemm family, for its table.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

std::string refuse_packed_gemm(const Problem& problem);
std::optional<ir::PanelFormat> wanted_gemm_panels(const ir::Node& node, const TensorType& weight,
                                                  Isa isa);
std::unique_ptr<Kernel> make_packed_gemm(const Problem& problem);

}  // namespace hone::kernels

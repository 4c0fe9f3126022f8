// The kernels of the gemm family, for its table.
#pragma once

#include <memory>
#include <string>

#include "kernels/kernel.h"

namespace hone::kernels {

std::string refuse_packed_gemm(const Problem& problem);
std::unique_ptr<Kernel> make_packed_gemm(const Problem& problem);

}  // namespace hone::kernels

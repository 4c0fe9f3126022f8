// The rows of the gemm family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> gemm_kernels() { return {}; }

}  // namespace hone::kernels

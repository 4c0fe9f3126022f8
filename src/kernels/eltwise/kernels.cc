// The rows of the eltwise family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> eltwise_kernels() { return {}; }

}  // namespace hone::kernels

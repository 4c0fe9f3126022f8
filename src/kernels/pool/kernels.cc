// The rows of the pool family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> pool_kernels() { return {}; }

}  // namespace hone::kernels

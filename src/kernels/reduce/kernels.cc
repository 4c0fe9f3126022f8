// The rows of the reduce family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> reduce_kernels() { return {}; }

}  // namespace hone::kernels

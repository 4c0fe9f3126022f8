// The rows of the movement family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> movement_kernels() { return {}; }

}  // namespace hone::kernels

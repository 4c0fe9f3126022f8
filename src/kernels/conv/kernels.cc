// The rows of the conv family.
#include "kernels/families.h"

namespace hone::kernels {

std::span<const KernelRow> conv_kernels() { return {}; }

}  // namespace hone::kernels

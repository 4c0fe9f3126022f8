// Scalar references of the pool family.
#include "kernels/reference.h"

#include "kernels/families.h"

namespace hone::kernels {

std::span<const ReferenceRow> pool_reference() { return {}; }

}  // namespace hone::kernels

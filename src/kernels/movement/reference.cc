// Scalar references of the movement family.
#include "kernels/reference.h"

#include "kernels/families.h"

namespace hone::kernels {

std::span<const ReferenceRow> movement_reference() { return {}; }

}  // namespace hone::kernels

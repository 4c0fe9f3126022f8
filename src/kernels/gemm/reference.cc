// Scalar references of the gemm family.
#include "kernels/reference.h"

#include "kernels/families.h"

namespace hone::kernels {

std::span<const ReferenceRow> gemm_reference() { return {}; }

}  // namespace hone::kernels

// The kernel families: each folder below gives `NAME_kernels()` and `NAME_reference()`.
#pragma once

#include <span>

#include "kernels/kernel.h"
#include "kernels/reference.h"

#define HONE_FAMILIES   \
  HONE_FAMILY(gemm)     \
  HONE_FAMILY(conv)     \
  HONE_FAMILY(winograd) \
  HONE_FAMILY(int8)     \
  HONE_FAMILY(pool)     \
  HONE_FAMILY(eltwise)  \
  HONE_FAMILY(reduce)   \
  HONE_FAMILY(movement)

namespace hone::kernels {

#define HONE_FAMILY(family)                      \
  std::span<const KernelRow> family##_kernels(); \
  std::span<const ReferenceRow> family##_reference();
HONE_FAMILIES
#undef HONE_FAMILY

}  // namespace hone::kernels

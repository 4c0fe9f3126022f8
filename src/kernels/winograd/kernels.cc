// The rows of the winograd family.
#include "kernels/families.h"
#include "kernels/winograd/winograd.h"

namespace hone::kernels {

std::span<const KernelRow> winograd_kernels() {
  static const KernelRow rows[] = {
      {&ir::op::winograd_filter, "winograd.filter", "direct", Isa::avx2, 0, &refuse_winograd_filter,
       &make_winograd_filter},
      {&ir::op::winograd_conv2d, "winograd", "direct", Isa::avx2, 0, &refuse_winograd,
       &make_winograd, nullptr, &wanted_winograd_panels},
  };
  return rows;
}

}  // namespace hone::kernels

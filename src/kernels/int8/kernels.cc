// The rows of the int8 family.
#include "kernels/families.h"
#include "kernels/int8/int8.h"

namespace hone::kernels {

std::span<const KernelRow> int8_kernels() {
  static const KernelRow rows[] = {
      {&ir::op::matmul, "int8.dot", "direct", Isa::avx2, 0, &refuse_dot, &make_dot, nullptr,
       &wanted_dot_panels},
      {&ir::op::conv2d, "int8.dot", "direct", Isa::avx2, 0, &refuse_dot, &make_dot, nullptr,
       &wanted_dot_panels},
  };
  return rows;
}

// The contractions' references are those of gemm and conv.
std::span<const ReferenceRow> int8_reference() { return {}; }

}  // namespace hone::kernels

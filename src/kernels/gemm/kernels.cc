// The rows of the gemm family.
#include "kernels/epilogue.h"
#include "kernels/families.h"
#include "kernels/gemm/gemm.h"

namespace hone::kernels {

std::span<const KernelRow> gemm_kernels() {
  static const KernelRow rows[] = {
      {&ir::op::matmul, "gemm.packed", "direct", Isa::avx2, 0, &refuse_packed_gemm,
       &make_packed_gemm, &epilogue_over_operand, &wanted_gemm_panels},
  };
  return rows;
}

}  // namespace hone::kernels

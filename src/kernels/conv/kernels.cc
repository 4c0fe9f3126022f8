// The rows of the conv family.
#include "kernels/conv/conv.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/epilogue.h"
#include "kernels/families.h"

namespace hone::kernels {

std::string refuse_direct_conv(const Problem& problem) {
  if (problem.operands[0].dtype != DType::f32) return "operands are not f32";
  if (problem.attrs().get<std::string>("layout") != "nhwc") return "layout is not nhwc";
  return TileProgram::refuse_epilogue(problem);
}

std::span<const KernelRow> conv_kernels() {
  static const KernelRow rows[] = {
      {&ir::op::conv2d, "conv.direct", "direct", Isa::avx2, 0, &refuse_direct_conv,
       &make_conv_forward, nullptr, &wanted_conv_panels, &reads_planes},
      {&ir::op::conv2d_grad_input, "conv.direct", "direct", Isa::avx2, 0, &refuse_direct_conv,
       &make_conv_grad_input, nullptr, &wanted_conv_panels},
      {&ir::op::conv2d_grad_weight, "conv.direct", "direct", Isa::avx2, 0, &refuse_direct_conv,
       &make_conv_grad_weight, &epilogue_over_operand},
  };
  return rows;
}

}  // namespace hone::kernels

// Packing by the functions of the matrix product.
#include "kernels/panels.h"

#include "kernels/gemm/micro.h"
#include "kernels/kernel.h"

namespace hone::kernels {

void pack_tap(const ir::PanelFormat& format, const float* weight, int64_t group, int64_t tap,
              const ir::PanelFormat::Columns& columns, Isa isa, float* packed) {
  gemm_fns(isa).pack({weight + group * format.group.stride + tap * format.tap.stride +
                          columns.begin * format.column.stride,
                      format.column.stride, format.depth.stride, columns.size, format.depth.extent,
                      packed, columns.pitch});
}

Tensor pack_panels(const ir::PanelFormat& format, const Tensor& weight, Isa isa) {
  Tensor packed(DType::f32, {format.floats()});
  for (int64_t g = 0; g < format.group.extent; ++g)
    for (int64_t p = 0; p < format.panels(); ++p) {
      const ir::PanelFormat::Columns columns = format.columns(p);
      float* to = packed.data<float>() + format.offset(g, columns);
      for (int64_t t = 0; t < format.tap.extent; ++t, to += format.depth.extent * columns.pitch)
        pack_tap(format, weight.data<float>(), g, t, columns, isa, to);
    }
  return packed;
}

std::optional<ir::PanelFormat> wanted_panels(const ir::Node& node, const TensorType& weight,
                                             Isa isa) {
  const KernelRow* best = nullptr;
  for (const KernelRow& row : kernel_rows())
    if (row.op == node.op && row.lowest <= isa && row.panels != nullptr &&
        (best == nullptr || row.priority > best->priority))
      best = &row;
  if (best == nullptr || weight.dtype != DType::f32 || weight.shape.elements() == 0) return {};
  return best->panels(node, weight.shape, isa);
}

}  // namespace hone::kernels

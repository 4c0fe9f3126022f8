// Packing floats by the functions of the matrix product, bytes by a plain loop.
#include "kernels/panels.h"

#include <cstring>

#include "base/dtype.h"
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

void pack_tap(const ir::PanelFormat& format, const int8_t* weight, int64_t group, int64_t tap,
              const ir::PanelFormat::Columns& columns, int8_t* packed) {
  std::memset(packed, 0, static_cast<size_t>(format.depth_pitch() * columns.pitch));
  const int8_t* from = weight + group * format.group.stride + tap * format.tap.stride +
                       columns.begin * format.column.stride;
  for (int64_t k = 0; k < format.depth.extent; ++k)
    for (int64_t j = 0; j < columns.size; ++j)
      packed[(k / format.step * columns.pitch + j) * format.step + k % format.step] =
          from[k * format.depth.stride + j * format.column.stride];
}

namespace {

template <class T, class Pack>
Tensor pack_all(const ir::PanelFormat& format, Pack&& pack) {
  Tensor packed(dtype_of<T>(), {format.elements()});
  for (int64_t g = 0; g < format.group.extent; ++g)
    for (int64_t p = 0; p < format.panels(); ++p) {
      const ir::PanelFormat::Columns columns = format.columns(p);
      T* to = packed.data<T>() + format.offset(g, columns);
      for (int64_t t = 0; t < format.tap.extent; ++t, to += format.depth_pitch() * columns.pitch)
        pack(g, t, columns, to);
    }
  return packed;
}

}  // namespace

Tensor pack_panels(const ir::PanelFormat& format, const Tensor& weight, Isa isa) {
  using Columns = ir::PanelFormat::Columns;
  if (weight.dtype() == DType::i8)
    return pack_all<int8_t>(format, [&](int64_t g, int64_t t, const Columns& columns, int8_t* to) {
      pack_tap(format, weight.data<int8_t>(), g, t, columns, to);
    });
  return pack_all<float>(format, [&](int64_t g, int64_t t, const Columns& columns, float* to) {
    pack_tap(format, weight.data<float>(), g, t, columns, isa, to);
  });
}

std::optional<ir::PanelFormat> wanted_panels(const ir::Node& node, const TensorType& weight,
                                             Isa isa) {
  std::optional<ir::PanelFormat> wanted;
  if (weight.shape.elements() == 0) return wanted;
  int priority = 0;
  for (const KernelRow& row : kernel_rows()) {
    if (row.op != node.op || row.lowest > isa || row.panels == nullptr) continue;
    const std::optional<ir::PanelFormat> format = row.panels(node, weight, isa);
    if (!format || (wanted && row.priority <= priority)) continue;
    wanted = format;
    priority = row.priority;
  }
  return wanted;
}

}  // namespace hone::kernels

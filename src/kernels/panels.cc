// Packing floats by the functions of the matrix product, integers by a plain loop.
#include "kernels/panels.h"

#include <algorithm>

#include "kernels/gemm/micro.h"
#include "kernels/kernel.h"
#include "kernels/movement/simd.h"

namespace hone::kernels {

namespace {

constexpr int64_t kItemRows = 288;  // of a panel, that one item packs

template <class Pack>
void run_items(ThreadPool* pool, int64_t items, const Pack& pack) {
  if (pool != nullptr) return pool->run(items, pack);
  for (int64_t i = 0; i < items; ++i) pack(i, 0);
}

// The depth [begin, end) of some taps of a panel.
void pack_depth(const ir::PanelFormat& format, const float* weight, Range range, int64_t group,
                const ir::PanelFormat::Columns& columns, int64_t begin, int64_t end, Isa isa,
                float* panel) {
  const int64_t taps = range.size(), tap_floats = format.depth.extent * columns.pitch;
  const float* from = weight + group * format.group.stride + columns.begin * format.column.stride +
                      begin * format.depth.stride + range.begin * format.tap.stride;
  float* to = panel + begin * columns.pitch + range.begin * tap_floats;
  if (format.tap.extent == 1 || format.tap.stride != 1) {
    for (int64_t t = 0; t < taps; ++t)
      gemm_fns(isa).pack({from + t * format.tap.stride, format.column.stride, format.depth.stride,
                          columns.size, end - begin, to + t * tap_floats, columns.pitch});
    return;
  }
  // Taps lie side by side: a matrix of columns and taps for each step of the depth.
  for (int64_t k = begin; k < end; ++k, from += format.depth.stride, to += columns.pitch) {
    transpose_floats(isa, from, format.column.stride, to, tap_floats, taps, columns.size);
    for (int64_t t = 0; columns.size < columns.pitch && t < taps; ++t)
      std::fill(to + t * tap_floats + columns.size, to + t * tap_floats + columns.pitch, 0.0f);
  }
}

}  // namespace

void pack_panels(const ir::PanelFormat& format, const float* weight, Range taps, Isa isa,
                 ThreadPool* pool, float* packed) {
  if (taps.size() <= 0) return;
  const int64_t depth = format.depth.extent, panels = format.panels();
  const int64_t at_once = std::max<int64_t>(1, kItemRows / taps.size());
  const int64_t parts = ceil_div(depth, at_once);
  const auto pack = [&](int64_t item, int) {
    const int64_t group = item / parts / panels, begin = item % parts * at_once;
    const ir::PanelFormat::Columns columns = format.columns(item / parts % panels);
    pack_depth(format, weight, taps, group, columns, begin, std::min(depth, begin + at_once), isa,
               packed + format.offset(group, columns));
  };
  run_items(pool, format.group.extent * panels * parts, pack);
}

namespace {

// One tap of one panel of a group.
template <class T>
void pack_tap(const ir::PanelFormat& format, const T* weight, int64_t group, int64_t tap,
              const ir::PanelFormat::Columns& columns, T* packed) {
  std::fill_n(packed, format.depth_pitch() * columns.pitch, T{0});
  const T* from = weight + group * format.group.stride + tap * format.tap.stride +
                  columns.begin * format.column.stride;
  for (int64_t k = 0; k < format.depth.extent; ++k)
    for (int64_t j = 0; j < columns.size; ++j)
      packed[(k / format.step * columns.pitch + j) * format.step + k % format.step] =
          from[k * format.depth.stride + j * format.column.stride];
}

}  // namespace

template <class T>
void pack_integers(const ir::PanelFormat& format, const T* weight, ThreadPool* pool, T* packed) {
  const int64_t panels = format.panels(), taps = format.tap.extent;
  const auto pack = [&](int64_t item, int) {
    const int64_t group = item / taps / panels, tap = item % taps;
    const ir::PanelFormat::Columns columns = format.columns(item / taps % panels);
    pack_tap(format, weight, group, tap, columns,
             packed + format.offset(group, columns) + tap * format.depth_pitch() * columns.pitch);
  };
  run_items(pool, format.group.extent * panels * taps, pack);
}
template void pack_integers(const ir::PanelFormat&, const int8_t*, ThreadPool*, int8_t*);
template void pack_integers(const ir::PanelFormat&, const int16_t*, ThreadPool*, int16_t*);

Tensor pack_panels(const ir::PanelFormat& format, const Tensor& weight, Isa isa) {
  Tensor packed(weight.dtype(), {format.elements()});
  if (weight.dtype() == DType::i8)
    pack_integers(format, weight.data<int8_t>(), nullptr, packed.data<int8_t>());
  else if (weight.dtype() == DType::i16)
    pack_integers(format, weight.data<int16_t>(), nullptr, packed.data<int16_t>());
  else
    pack_panels(format, weight.data<float>(), {0, format.tap.extent}, isa, nullptr,
                packed.data<float>());
  return packed;
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

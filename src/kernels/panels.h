// Packing a weight into the panels that a kernel reads (ir/panels.h).
#pragma once

#include <optional>

#include "base/cpu.h"
#include "base/thread_pool.h"
#include "ir/graph.h"
#include "ir/panels.h"
#include "kernels/blocks.h"

namespace hone::kernels {

/// Packs these taps of all panels of a weight, on all threads of `pool` or, without one, on the
/// caller's.
void pack_panels(const ir::PanelFormat& format, const float* weight, Range taps, Isa isa,
                 ThreadPool* pool, float* packed);

/// All panels of a weight of integers, int8_t or int16_t, likewise.
template <class T>
void pack_integers(const ir::PanelFormat& format, const T* weight, ThreadPool* pool, T* packed);

/// All panels of a weight of f32, i8 or i16.
Tensor pack_panels(const ir::PanelFormat& format, const Tensor& weight, Isa isa);

/// How the kernel for a node would have operand 1, where that is a constant of this type; none
/// where no packing pays.
std::optional<ir::PanelFormat> wanted_panels(const ir::Node& node, const TensorType& weight,
                                             Isa isa);

}  // namespace hone::kernels

// Products read the bytes of pictures themselves.
#pragma once

#include "passes/pass.h"

namespace hone::passes {

/// Turns matmul((f32(x) - zero) * scale, w) into matmul(x, w) with these two as attributes, where x
/// is u8, the two are numbers or absent, and reshapes may follow: the kernel makes floats of what
/// it packs, which saves writing them to memory, four times as large, and reading them back,
/// forward and for the gradient of w.
ir::Graph read_bytes(const ir::Graph& graph, const PassContext& context);

}  // namespace hone::passes

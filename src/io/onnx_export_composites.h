// What takes several nodes in hone and one in ONNX: a contraction with its bias, a batch norm at
// inference, a clip, quantising and dequantising. Written as that one, other tools see what the
// network is; read back, it is the same arithmetic again.
#pragma once

#include <map>
#include <set>

#include "io/onnx_emitter.h"

namespace hone::io {

struct OnnxComposites {
  using Emit = void (*)(OnnxEmitter&, const ir::Node& last);
  std::map<ir::NodeId, Emit> last;  ///< in the place of the last node of each
  std::set<ir::NodeId> absorbed;    ///< the nodes before it, which are not written
};

OnnxComposites find_composites(const ir::Graph& graph);

}  // namespace hone::io

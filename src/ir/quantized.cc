// Walking up from the last node.
#include "ir/quantized.h"

#include "base/dtype.h"
#include "ir/infer.h"

namespace hone::ir {
namespace {

/// The producer of `v` if it is `op`; then v counts as inside.
const Node* step(const Graph& graph, ValueId v, const OpSpec& op, std::vector<ValueId>& inside) {
  if (!graph.produced_by(v, op)) return nullptr;
  inside.push_back(v);
  return &graph.producer(v);
}

/// True if `v` is the scalar constant `number`.
bool is_number(const Graph& graph, ValueId v, int number) {
  if (!graph.produced_by(v, op::constant) || graph.type(v) != TensorType{DType::f32, {}})
    return false;
  return graph.producer(v).attrs.get<Tensor>("value").data<float>()[0] ==
         static_cast<float>(number);
}

}  // namespace

ByteRange byte_range(DType dtype) {
  return dtype == DType::u8 ? ByteRange{0, UINT8_MAX} : ByteRange{INT8_MIN, INT8_MAX};
}

std::optional<Dequantized> find_dequantized(const Graph& graph, ValueId v) {
  if (!graph.produced_by(v, op::mul)) return {};
  const Node& scaled = graph.producer(v);
  Dequantized out{kNoValue, kNoValue, scaled.operands[1], {}};
  ValueId centred = scaled.operands[0];
  if (const Node* shifted = step(graph, centred, op::sub, out.inside)) {
    centred = shifted->operands[0];
    out.zero = shifted->operands[1];
  }
  const Node* widened = step(graph, centred, op::cast, out.inside);
  if (widened == nullptr || graph.type(v).dtype != DType::f32) return {};
  out.q = widened->operands[0];
  const DType dtype = graph.type(out.q).dtype;
  const bool fits = is_byte(dtype) || (dtype == DType::i32 && out.zero == kNoValue);
  if (!fits || graph.shape(out.q) != graph.shape(v)) return {};
  return out;
}

std::optional<Quantized> find_quantized(const Graph& graph, ValueId v) {
  const DType dtype = graph.type(v).dtype;
  if (!is_byte(dtype) || !graph.produced_by(v, op::cast)) return {};
  Quantized out{};
  const ByteRange range = byte_range(dtype);
  const Node* low = step(graph, graph.producer(v).operands[0], op::min, out.inside);
  if (low == nullptr || !is_number(graph, low->operands[1], range.high)) return {};
  const Node* high = step(graph, low->operands[0], op::max, out.inside);
  if (high == nullptr || !is_number(graph, high->operands[1], range.low)) return {};
  const Node* shifted = step(graph, high->operands[0], op::add, out.inside);
  const Node* rounded =
      shifted == nullptr ? nullptr : step(graph, shifted->operands[0], op::round, out.inside);
  const Node* divided =
      rounded == nullptr ? nullptr : step(graph, rounded->operands[0], op::div, out.inside);
  if (divided == nullptr) return {};
  out.x = divided->operands[0];
  out.scale = divided->operands[1];
  out.zero = shifted->operands[1];
  if (graph.shape(out.x) != graph.shape(v)) return {};
  return out;
}

}  // namespace hone::ir

// Each composite is recognised by its last node, from there upwards; what is recognised is read
// once more when it is written.
#include "io/onnx_export_composites.h"

#include <algorithm>
#include <optional>

#include "ir/quantized.h"

namespace hone::io {
namespace {

namespace op = ir::op;
using ir::Graph;
using ir::Node;
using ir::ValueId;

/// The parts of a composite: what it reads, and the values inside it.
struct Parts {
  std::vector<ValueId> inputs;
  std::vector<ValueId> inside;
  double number = 0;  ///< a batch norm's epsilon
};

std::optional<float> scalar(const Graph& g, ValueId v) {
  if (!g.produced_by(v, op::constant) || g.shape(v).rank() != 0 || g.type(v).dtype != DType::f32)
    return std::nullopt;
  return g.producer(v).attrs.get<Tensor>("value").data<float>()[0];
}

/// A vector over the channels of an `x` of that shape, before it was reshaped to be broadcast.
std::optional<ValueId> per_channel(const Graph& g, ValueId v, const Shape& x, Parts& parts) {
  if (x.rank() < 2 || x[1] < 1) return std::nullopt;
  const auto is_vector = [&](ValueId c) {
    return g.shape(c) == Shape{x[1]} && g.type(c).dtype == DType::f32;
  };
  if (g.produced_by(v, op::reshape) && is_vector(g.producer(v).operands[0])) {
    const Shape& spread = g.shape(v);
    const int axis = spread.rank() - x.rank() + 1;
    if (axis >= 0 && axis < spread.rank() && spread.rank() <= x.rank() && spread[axis] == x[1]) {
      parts.inside.push_back(v);
      return g.producer(v).operands[0];
    }
  }
  return x.rank() == 2 && is_vector(v) ? std::optional(v) : std::nullopt;
}

const Node* inner(const Graph& g, ValueId v, const ir::OpSpec& spec, Parts& parts) {
  if (!g.produced_by(v, spec)) return nullptr;
  parts.inside.push_back(v);
  return &g.producer(v);
}

/// contraction(x, w) + bias
std::optional<Parts> biased(const Graph& g, const Node& last) {
  if (!last.is(op::add)) return std::nullopt;
  Parts parts;
  const ValueId y = last.operands[0];
  const bool conv = g.produced_by(y, op::conv2d);
  if (!conv && !(g.produced_by(y, op::matmul) && g.shape(y).rank() == 2)) return std::nullopt;
  const Node& contraction = g.producer(y);
  for (ValueId v : contraction.operands)
    if (g.type(v).dtype != DType::f32 || (!conv && g.shape(v).rank() != 2)) return std::nullopt;
  const auto bias = per_channel(g, last.operands[1], g.shape(y), parts);
  if (!bias || contraction.operands.size() != 2) return std::nullopt;
  parts.inputs = {*bias};
  parts.inside.push_back(y);
  return parts;
}

void write_biased(OnnxEmitter& e, const Node& last) {
  const Node& contraction = e.graph().producer(last.operands[0]);
  find_export_row(*contraction.op)->emit(e, contraction);
  onnx::NodeProto& node = e.last();
  node.add_input(e.name(biased(e.graph(), last)->inputs[0]));
  node.set_output(0, e.result(last));
}

/// (x - mean) * (scale / sqrt(variance + epsilon)) + offset
std::optional<Parts> batch_norm(const Graph& g, const Node& last) {
  if (!last.is(op::add)) return std::nullopt;
  Parts parts;
  const Node* scaled = inner(g, last.operands[0], op::mul, parts);
  const Node* centred = scaled ? inner(g, scaled->operands[0], op::sub, parts) : nullptr;
  const Node* factor = centred ? inner(g, scaled->operands[1], op::div, parts) : nullptr;
  const Node* root = factor ? inner(g, factor->operands[1], op::sqrt, parts) : nullptr;
  const Node* shifted = root ? inner(g, root->operands[0], op::add, parts) : nullptr;
  if (shifted == nullptr) return std::nullopt;
  const Shape& x = g.shape(centred->operands[0]);
  const auto epsilon = scalar(g, shifted->operands[1]);
  const auto scale = per_channel(g, factor->operands[0], x, parts);
  const auto offset = per_channel(g, last.operands[1], x, parts);
  const auto mean = per_channel(g, centred->operands[1], x, parts);
  const auto variance = per_channel(g, shifted->operands[0], x, parts);
  if (!epsilon || !scale || !offset || !mean || !variance) return std::nullopt;
  parts.inputs = {centred->operands[0], *scale, *offset, *mean, *variance};
  parts.number = *epsilon;
  return parts;
}

void write_batch_norm(OnnxEmitter& e, const Node& last) {
  const Parts parts = *batch_norm(e.graph(), last);
  std::vector<std::string> inputs;
  for (ValueId v : parts.inputs) inputs.push_back(e.name(v));
  set_float(e.emit("BatchNormalization", last, inputs, e.result(last)), "epsilon", parts.number);
}

/// min(max(x, low), high)
std::optional<Parts> clip(const Graph& g, const Node& last) {
  if (!last.is(op::min)) return std::nullopt;
  Parts parts;
  const Node* floored = inner(g, last.operands[0], op::max, parts);
  if (floored == nullptr || !scalar(g, floored->operands[1]) || !scalar(g, last.operands[1]))
    return std::nullopt;
  parts.inputs = {floored->operands[0], floored->operands[1], last.operands[1]};
  return parts;
}

void write_clip(OnnxEmitter& e, const Node& last) {
  const Parts parts = *clip(e.graph(), last);
  std::vector<std::string> inputs;
  for (ValueId v : parts.inputs) inputs.push_back(e.name(v));
  e.emit("Clip", last, inputs, e.result(last));
}

/// A scale as ONNX has it: a number, or a vector and the axis that it goes along.
struct Scale {
  ValueId value = ir::kNoValue;
  std::optional<int64_t> axis = {};
  Shape shape = {};
  Tensor vector = {};  ///< of a constant that lies along the axis already, instead of `value`
};

std::optional<Scale> scale_of(const Graph& g, ValueId v, const Shape& x, Parts& parts) {
  const Shape& spread = g.shape(v);
  if (spread.rank() == 0) return Scale{v};
  for (int axis = 0; axis < x.rank(); ++axis) {
    Shape alone = x;
    for (int i = 0; i < x.rank(); ++i)
      if (i != axis) alone[i] = 1;
    if (spread != alone) continue;
    const Shape shape = {x[axis]};
    if (x.rank() == 1) return Scale{v, axis, shape};
    if (g.produced_by(v, op::constant))
      return Scale{ir::kNoValue, axis, shape,
                   g.producer(v).attrs.get<Tensor>("value").reshaped(shape)};
    if (!g.produced_by(v, op::reshape)) return std::nullopt;
    parts.inside.push_back(v);
    const ValueId vector = g.producer(v).operands[0];
    return g.shape(vector) == shape ? std::optional(Scale{vector, axis, shape}) : std::nullopt;
  }
  return std::nullopt;
}

/// A zero that is known, spread as the scale is, and of bytes; in the scale's own shape.
std::optional<Tensor> zero_of(const Graph& g, ValueId zero, const Scale& scale, const Shape& spread,
                              DType dtype) {
  if (zero == ir::kNoValue) return Tensor(dtype, scale.shape);
  if (!g.produced_by(zero, op::constant) || g.shape(zero) != spread) return std::nullopt;
  const Tensor& value = g.producer(zero).attrs.get<Tensor>("value");
  const Tensor bytes = value.cast(dtype);
  if (!bytes.cast(value.dtype()).same_bits(value)) return std::nullopt;
  return bytes.reshaped(scale.shape);
}

/// The parts of what is or was bytes: x or q, the scale, and the zero.
struct QuantParts {
  Parts parts;
  Scale scale;
  Tensor zero;
  bool has_zero;  ///< else it is 0
};

std::optional<QuantParts> quant_parts(const Graph& g, ValueId from, ValueId scale, ValueId zero,
                                      DType dtype, std::vector<ValueId> inside) {
  QuantParts out{{{from}, std::move(inside), 0}, {}, {}, zero != ir::kNoValue};
  const auto known_scale = scale_of(g, scale, g.shape(from), out.parts);
  const auto known_zero =
      known_scale ? zero_of(g, zero, *known_scale, g.shape(scale), dtype) : std::nullopt;
  if (!known_zero) return std::nullopt;
  out.scale = *known_scale;
  out.zero = *known_zero;
  if (!out.scale.vector.defined()) out.parts.inputs.push_back(out.scale.value);
  return out;
}

/// cast(min(max(round(x / scale) + zero, least), greatest))
std::optional<QuantParts> quantised(const Graph& g, const Node& last) {
  const auto found = ir::find_quantized(g, last.results[0]);
  if (!found) return std::nullopt;
  return quant_parts(g, found->x, found->scale, found->zero, g.type(last.results[0]).dtype,
                     found->inside);
}

/// (cast(q) - zero) * scale
std::optional<QuantParts> dequantised(const Graph& g, const Node& last) {
  const auto found = ir::find_dequantized(g, last.results[0]);
  if (!found) return std::nullopt;
  return quant_parts(g, found->q, found->scale, found->zero, g.type(found->q).dtype, found->inside);
}

void write_quant(OnnxEmitter& e, const Node& last, const QuantParts& q, std::string_view op_type) {
  const std::string scale = q.scale.vector.defined()
                                ? e.constant(q.scale.vector, e.result(last) + ".scale")
                                : e.name(q.scale.value);
  std::vector<std::string> inputs = {e.name(q.parts.inputs[0]), scale};
  if (q.has_zero) inputs.push_back(e.constant(q.zero, e.result(last) + ".zero"));
  onnx::NodeProto& node = e.emit(op_type, last, inputs, e.result(last));
  if (q.scale.axis) set_int(node, "axis", *q.scale.axis);
}

template <auto kFind>
std::optional<Parts> parts_of(const Graph& g, const Node& last) {
  const auto found = kFind(g, last);
  return found ? std::optional(found->parts) : std::nullopt;
}

void write_quantised(OnnxEmitter& e, const Node& last) {
  write_quant(e, last, *quantised(e.graph(), last), "QuantizeLinear");
}
void write_dequantised(OnnxEmitter& e, const Node& last) {
  write_quant(e, last, *dequantised(e.graph(), last), "DequantizeLinear");
}

struct Row {
  std::optional<Parts> (*find)(const Graph&, const Node& last);
  OnnxComposites::Emit write;
};
constexpr Row kRows[] = {{biased, write_biased},
                         {batch_norm, write_batch_norm},
                         {clip, write_clip},
                         {parts_of<quantised>, write_quantised},
                         {parts_of<dequantised>, write_dequantised}};

/// Constants that nothing reads but what is not written; `read` are those that composites do.
void absorb_constants(const Graph& graph, std::vector<bool> read, OnnxComposites& composites) {
  for (const ir::Output& o : graph.outputs()) read[static_cast<size_t>(o.value)] = true;
  for (size_t n = 0; n < graph.nodes().size(); ++n)
    if (const auto id = static_cast<ir::NodeId>(n);
        !composites.absorbed.contains(id) && !composites.last.contains(id))
      for (ValueId v : graph.nodes()[n].operands) read[static_cast<size_t>(v)] = true;
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    const Node& node = graph.nodes()[n];
    if (node.is(op::constant) && !read[static_cast<size_t>(node.results[0])])
      composites.absorbed.insert(static_cast<ir::NodeId>(n));
  }
}

}  // namespace

OnnxComposites find_composites(const Graph& graph) {
  OnnxComposites out;
  const std::vector<int> uses = graph.use_counts();
  std::map<ir::NodeId, std::vector<ValueId>> inputs;  // of the last nodes
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    for (const Row& row : kRows) {
      const std::optional<Parts> parts = row.find(graph, graph.nodes()[n]);
      if (!parts) continue;
      const bool alone = std::all_of(parts->inside.begin(), parts->inside.end(),
                                     [&](ValueId v) { return uses[static_cast<size_t>(v)] == 1; });
      if (!alone) continue;  // what others read has to be written anyway
      for (ValueId v : parts->inside) out.absorbed.insert(graph.value(v).node);
      inputs[static_cast<ir::NodeId>(n)] = parts->inputs;
      out.last.emplace(static_cast<ir::NodeId>(n), row.write);
      break;
    }
  }
  std::vector<bool> read(uses.size(), false);
  for (const auto& [last, values] : inputs)
    if (!out.absorbed.contains(last))  // a clip may be inside of what gives bytes
      for (ValueId v : values) read[static_cast<size_t>(v)] = true;
  absorb_constants(graph, std::move(read), out);
  return out;
}

}  // namespace hone::io

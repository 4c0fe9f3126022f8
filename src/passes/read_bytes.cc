// One sweep over the products; what nobody reads any more goes at its end.
#include "passes/read_bytes.h"

#include <optional>
#include <vector>

#include "ir/rewrite.h"
#include "passes/known_value.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Graph;
using ir::Node;
using ir::ValueId;

/// What a product reads in place of floats: bytes of the same order and number.
struct Bytes {
  ValueId value;
  Attrs meaning;  ///< "zero" and "scale", where they are
};

/// The operand of an f32 value that is made by `op` from it and a number, which becomes the
/// attribute `name`; otherwise the value itself.
ValueId strip(const Graph& graph, ValueId v, const ir::OpSpec& op, const char* name, Attrs& attrs) {
  const Node& node = graph.producer(v);
  if (!node.is(op)) return v;
  const std::optional<float> value = known_number(graph, node.operands[1]);
  if (!value || graph.shape(node.operands[0]) != graph.shape(v)) return v;
  attrs.set(name, double{*value});
  return node.operands[0];
}

std::optional<Bytes> bytes_of(const Graph& graph, ValueId v) {
  if (graph.type(v).dtype != DType::f32) return {};
  while (graph.producer(v).is(op::reshape)) v = graph.producer(v).operands[0];
  Attrs meaning;
  v = strip(graph, v, op::mul, "scale", meaning);
  v = strip(graph, v, op::sub, "zero", meaning);
  const Node& cast = graph.producer(v);
  if (!cast.is(op::cast) || graph.type(cast.operands[0]).dtype != DType::u8) return {};
  return Bytes{cast.operands[0], std::move(meaning)};
}

}  // namespace

Graph read_bytes(const Graph& graph, const PassContext&) {
  ir::Rewriter rewriter(graph);
  for (const Node& node : graph.nodes()) {
    std::optional<Bytes> bytes;
    if (node.is(op::matmul)) bytes = bytes_of(graph, node.operands[0]);
    if (!bytes) {
      rewriter.copy(node);
      continue;
    }
    Attrs attrs = node.attrs;
    for (const auto& [name, value] : bytes->meaning.entries()) attrs.set(name, value);
    std::vector<ValueId> operands = rewriter(node.operands);
    const Shape& shape = graph.shape(node.operands[0]);
    operands[0] = rewriter(bytes->value);
    if (rewriter.to().shape(operands[0]) != shape)
      operands[0] = rewriter.to().add(op::reshape, {operands[0]}, {{"shape", shape.dims()}});
    rewriter.copy(node, std::move(attrs), std::move(operands));
  }
  return ir::without_dead_nodes(rewriter.finish());
}

}  // namespace hone::passes

// The graph rebuilt between a new input and the output that was chosen.
#include "nn/classifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ir/expr.h"
#include "ir/rewrite.h"

namespace hone::nn {
namespace {

using ir::Expr;
using ir::Graph;
using ir::ValueId;

/// [N, classes], also where axes of one pixel follow.
bool is_classes(const TensorType& type) {
  const std::vector<int64_t>& dims = type.shape.dims();
  return type.dtype == DType::f32 && dims.size() >= 2 && dims[1] > 0 &&
         std::all_of(dims.begin() + 2, dims.end(), [](int64_t d) { return d == 1; });
}

/// What the output was before reshapes that only add or drop axes of extent 1.
ValueId before_reshapes(const Graph& g, ValueId v) {
  while (g.produced_by(v, ir::op::reshape) && is_classes(g.type(v)) &&
         is_classes(g.type(g.producer(v).operands[0])) &&
         g.shape(v)[1] == g.shape(g.producer(v).operands[0])[1])
    v = g.producer(v).operands[0];
  return v;
}

/// The logits of a softmax, or kNoValue.
ValueId logits_of_softmax(const Graph& g, ValueId output) {
  const ValueId v = before_reshapes(g, output);
  if (!is_classes(g.type(v)) || !g.produced_by(v, ir::op::div)) return ir::kNoValue;
  const ValueId powers = g.producer(v).operands[0];
  const ValueId sum = g.producer(v).operands[1];
  if (!g.produced_by(powers, ir::op::exp) || !g.produced_by(sum, ir::op::reduce_sum) ||
      g.producer(sum).operands[0] != powers || g.producer(sum).attrs.ints("axes") != ir::Ints{1})
    return ir::kNoValue;
  const ValueId shifted = g.producer(powers).operands[0];
  if (!g.produced_by(shifted, ir::op::sub)) return shifted;
  // The shift that cancels is each sample's own maximum; any other is part of the logits.
  const ValueId logits = g.producer(shifted).operands[0];
  const ir::Node& shift = g.producer(g.producer(shifted).operands[1]);
  const bool cancels = shift.is(ir::op::reduce_max) && shift.operands[0] == logits &&
                       shift.attrs.ints("axes") == ir::Ints{1} && shift.attrs.flag("keep");
  return cancels ? logits : shifted;
}

std::string listed(const Graph& g) {
  std::string out;
  for (const ir::Output& o : g.outputs())
    out += fmt::format("{}'{}' {}", out.empty() ? "" : ", ", o.name, g.type(o.value).to_string());
  return out;
}

ValueId choose_output(const Graph& g, const std::string& name) {
  if (!name.empty()) {
    const ValueId v = g.find_output(name);
    require(v != ir::kNoValue, "no output '{}': expected one of {}", name, listed(g));
    require(is_classes(g.type(v)), "output '{}': expected f32 [N, classes], found {}", name,
            g.type(v));
    return v;
  }
  if (const ValueId v = g.find_output("logits"); v != ir::kNoValue) return v;
  std::vector<ValueId> candidates;
  for (const ir::Output& o : g.outputs())
    if (is_classes(g.type(o.value))) candidates.push_back(o.value);
  require(!candidates.empty(), "expected a classifier, with an output f32 [N, classes], found {}",
          listed(g));
  require(candidates.size() == 1, "which output are the classes? found {}", listed(g));
  return candidates[0];
}

bool is_channels(int64_t extent) { return extent == 1 || extent == 3; }

bool is_channels_last(const Shape& s) {
  return s.rank() == 4 && !is_channels(s[1]) && is_channels(s[3]);
}

/// One factor for each channel, to be broadcast over [N,C,...].
Tensor per_channel(std::vector<double> values, const Shape& input, std::string_view what) {
  const int64_t channels = input.rank() < 2 ? 1 : input[1];
  const auto count = static_cast<int64_t>(values.size());
  require(count == 1 || count == channels, "{}: expected 1 or {} numbers, found {}", what, channels,
          count);
  std::vector<int64_t> dims(static_cast<size_t>(std::max(1, input.rank() - 1)), 1);
  dims[0] = count;
  return Tensor::from<double>(Shape(dims), values).cast(DType::f32);
}

Expr scaled(Expr x, const ForeignOptions& options) {
  Graph& g = *x.graph;
  if (options.scale != 1) x = x * options.scale;
  const Shape shape = x.shape();
  if (!options.mean.empty()) x = x - ir::constant(g, per_channel(options.mean, shape, "mean"));
  if (!options.deviation.empty())
    x = x / ir::constant(g, per_channel(options.deviation, shape, "deviation"));
  return x;
}

Expr new_input(Graph& g, const TensorType& declared, const ForeignOptions& options) {
  const Shape& s = declared.shape;
  require(s.rank() >= 2, "expected an input of samples along axis 0, found {}", declared);
  const bool last = is_channels_last(s);
  Expr x = ir::input(g, "input", {DType::f32, last ? Shape({s[0], s[3], s[1], s[2]}) : s});
  x = scaled(x, options);
  if (last) x = ir::transpose(x, {0, 2, 3, 1});
  return ir::cast(x, declared.dtype);
}

}  // namespace

bool ends_in_softmax(const Graph& graph, std::string_view output) {
  const ValueId v = graph.find_output(output);
  return v != ir::kNoValue && logits_of_softmax(graph, v) != ir::kNoValue;
}

Graph as_classifier(const Graph& graph, const ForeignOptions& options) {
  require(graph.inputs().size() == 1, "expected one input, found {}", graph.inputs().size());
  const bool own_input = graph.find_input("input") != ir::kNoValue;
  const bool own = own_input && graph.find_output("logits") != ir::kNoValue &&
                   (options.output.empty() || options.output == "logits");
  ValueId output = choose_output(graph, options.output);
  if (!own)
    if (const ValueId logits = logits_of_softmax(graph, output); logits != ir::kNoValue)
      output = logits;

  ir::Rewriter rewriter(graph);
  for (const ir::Node& node : graph.nodes()) {
    if (node.is(ir::op::input)) {
      const TensorType& declared = graph.type(node.results[0]);
      rewriter.replace(node.results[0], new_input(rewriter.to(), declared, options).id);
    } else {
      rewriter.copy(node);
    }
  }
  Expr logits{&rewriter.to(), rewriter(output)};
  if (!own) logits = ir::reshape(logits, {logits.shape()[0], logits.shape()[1]});
  const ValueId result = logits.id;
  Graph out = rewriter.finish();
  out.clear_results();
  out.output("logits", result);
  return ir::without_dead_nodes(out);
}

}  // namespace hone::nn

// What the rows see of a node's inputs and outputs, and what is known of them at import: contents
// that depend on nothing but constants and shapes are computed with the references, so that shape
// arithmetic of any kind ends in plain numbers.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_importer.h"
#include "ir/rewrite.h"
#include "kernels/interpreter.h"

namespace hone::io {
namespace {

using ir::Ints;
using ir::ValueId;

// Tensors up to this size are computed at import; it is meant for shapes, not for weights.
constexpr int64_t kMaxContents = 64 * 1024;
constexpr int kMaxRank = 32;
constexpr int64_t kMostMade = int64_t{1} << 23;  // elements of all tables that rows make

// The references compute elementwise ops and reductions of some dtypes only; they say so on a
// tensor of one element.
void refuse_dtypes(const ir::Graph& graph, const ir::Node& node) {
  if (node.op->op_class != ir::OpClass::elementwise && node.op->op_class != ir::OpClass::reduction)
    return;
  const auto is_f32 = [&](ValueId v) { return graph.type(v).dtype == DType::f32; };
  if (std::all_of(node.operands.begin(), node.operands.end(), is_f32)) return;
  std::vector<Tensor> tensors;
  tensors.reserve(node.operands.size() + node.results.size());
  for (const auto& values : {node.operands, node.results})
    for (ValueId v : values) {
      const Ints ones(static_cast<size_t>(graph.shape(v).rank()), 1);
      tensors.emplace_back(graph.type(v).dtype, Shape(ones));
    }
  std::vector<kernels::View> views;
  views.reserve(tensors.size());
  for (Tensor& t : tensors) views.push_back({t.raw(), &t.type()});
  const std::span<const kernels::View> all = views;
  kernels::run_reference_node(
      {&node, all.first(node.operands.size()), all.subspan(node.operands.size())});
}

bool is_small(const TensorType& type) {
  return type.shape.is_static() && type.shape.elements() <= kMaxContents;
}

}  // namespace

bool OnnxImporter::has(const onnx::NodeProto& node, int i) const {
  return i < node.input_size() && !node.input(i).empty();
}

bool OnnxImporter::wants(const onnx::NodeProto& node, int i) const {
  return i < node.output_size() && !node.output(i).empty();
}

const OnnxValue& OnnxImporter::input(const onnx::NodeProto& node, int i) const {
  require(has(node, i), "input {} is missing", i);
  const auto at = values_.find(node.input(i));
  if (at == values_.end()) fail_missing(node.input(i));
  return at->second;
}

ValueId OnnxImporter::value(const onnx::NodeProto& node, int i) {
  input(node, i);
  return materialise(node.input(i), values_.at(node.input(i)));
}

ValueId OnnxImporter::materialise(const std::string& name, OnnxValue& v) {
  if (v.value != ir::kNoValue) return v.value;
  if (!v.tensor.defined())
    fail(ErrorKind::Unsupported,
         "'{}' is a shape that holds the symbolic batch, used as data: give the inputs' shapes",
         name);
  return v.value = graph().constant(v.tensor, v.name);
}

std::optional<Tensor> OnnxImporter::known(const onnx::NodeProto& node, int i) {
  const OnnxValue& v = input(node, i);
  if (v.tensor.defined()) return v.tensor;
  if (v.value == ir::kNoValue) return {};
  follow_new_nodes();
  const Fact& fact = facts_[static_cast<size_t>(v.value)];
  if (!fact.contents.defined()) {
    want(v.value);
    return {};
  }
  if (fact.varies) freeze(v.value);
  return facts_[static_cast<size_t>(v.value)].contents;
}

Tensor OnnxImporter::tensor(const onnx::NodeProto& node, int i) {
  if (const std::optional<Tensor> t = known(node, i)) return *t;
  if (input(node, i).batch_of != ir::kNoValue)
    fail(ErrorKind::Unsupported,
         "input '{}' depends on the symbolic batch: give the inputs' shapes", node.input(i));
  fail(ErrorKind::Unsupported, "input '{}' must be constant, but is computed", node.input(i));
}

std::vector<int64_t> OnnxImporter::numbers(const onnx::NodeProto& node, int i) {
  const Tensor t = tensor(node, i);
  require(t.dtype() == DType::i64 || t.dtype() == DType::i32,
          "input '{}': expected integers, found {}", node.input(i), t.type());
  require(t.shape().rank() <= 1, "input '{}': expected a list, found {}", node.input(i), t.type());
  const Tensor wide = t.cast(DType::i64);
  return {wide.data<int64_t>(), wide.data<int64_t>() + wide.elements()};
}

std::vector<double> OnnxImporter::reals(const onnx::NodeProto& node, int i) {
  const Tensor wide = tensor(node, i).cast(DType::f64);
  return {wide.data<double>(), wide.data<double>() + wide.elements()};
}

std::vector<int64_t> OnnxImporter::extents(const onnx::NodeProto& node, int i) {
  const OnnxValue& v = input(node, i);
  return v.batch_of == ir::kNoValue ? numbers(node, i) : v.extents;
}

std::string OnnxImporter::node_name(const onnx::NodeProto& node) const {
  return prefix_ + (is_own_ && !node.doc_string().empty() ? node.doc_string() : node.name());
}

void OnnxImporter::charge(int64_t elements) {
  if (elements > kMostMade - charged_)
    fail(ErrorKind::Unsupported, "tables of more than {} elements would be needed", kMostMade);
  charged_ += elements;
}

ir::Expr OnnxImporter::scalar(DType dtype, double value) {
  return constant(Tensor::from<double>({}, {value}).cast(dtype));
}

void OnnxImporter::bind(const onnx::NodeProto& node, int i, OnnxValue value) {
  require(node.output_size() > 0, "the node has no output");
  if (wants(node, i)) define(node.output(i), std::move(value));
}

// Looks at what was appended since: checks it, names it, computes it if all it reads is known.
void OnnxImporter::follow_new_nodes() {
  facts_.resize(graph().values().size());
  for (; followed_ < graph().nodes().size(); ++followed_) {
    const ir::Node& node = graph().nodes()[followed_];
    for (ValueId v : node.results) {
      const Shape& shape = graph().shape(v);
      require(shape.rank() <= kMaxRank, "a result has {} dimensions, {} are the most", shape.rank(),
              kMaxRank);
      if (!node.is(ir::op::constant)) facts_[static_cast<size_t>(v)].name = name_;
    }
    refuse_dtypes(graph(), node);
    compute_contents(node);
  }
}

void OnnxImporter::compute_contents(const ir::Node& node) {
  if (node.is(ir::op::constant)) {
    facts_[static_cast<size_t>(node.results[0])].contents = node.attrs.get<Tensor>("value");
    return;
  }
  if (node.op->op_class == ir::OpClass::source || node.op->op_class == ir::OpClass::random) return;
  if (std::any_of(node.results.begin(), node.results.end(),
                  [&](ValueId v) { return unfolded_.contains(v); }))
    return;
  bool varies = false;
  std::vector<Tensor> operands, results;
  for (ValueId v : node.operands) {
    const Fact& fact = facts_[static_cast<size_t>(v)];
    if (!fact.contents.defined() || !is_small(fact.contents.type())) return;
    operands.push_back(fact.contents);
    varies |= fact.varies;
  }
  for (ValueId v : node.results) {
    if (!is_small(graph().type(v))) return;
    results.emplace_back(graph().type(v).dtype, graph().shape(v));
  }
  std::vector<kernels::View> in, out;
  for (Tensor& t : operands) in.push_back({t.raw(), &t.type()});
  for (Tensor& t : results) out.push_back({t.raw(), &t.type()});
  try {
    kernels::run_reference_node({&node, in, out});
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::Unsupported) return;  // a dtype that the references lack
    throw;
  }
  for (size_t i = 0; i < results.size(); ++i) {
    Fact& fact = facts_[static_cast<size_t>(node.results[i])];
    fact.contents = results[i];
    fact.varies = varies;
  }
}

// Remembers the inputs that a value depends on, whose contents would make it known.
void OnnxImporter::want(ValueId v) {
  visit_sources(v, [&](const ir::Node& source) {
    if (source.is(ir::op::input)) wanted_.insert(source.name);
  });
}

// The states that a value depends on can vary no more: the graph is built on their contents.
void OnnxImporter::freeze(ValueId v) {
  visit_sources(v, [&](const ir::Node& source) {
    if (source.is(ir::op::state)) facts_[static_cast<size_t>(source.results[0])].is_read = true;
  });
}

void OnnxImporter::visit_sources(ValueId v, FunctionRef<void(const ir::Node&)> visit) {
  std::vector<ValueId> open = {v};
  std::set<ValueId> seen = {v};
  while (!open.empty()) {
    const ir::Node& node = graph().producer(open.back());
    open.pop_back();
    if (node.op->op_class == ir::OpClass::source) visit(node);
    for (ValueId operand : node.operands)
      if (seen.insert(operand).second) open.push_back(operand);
  }
}

// The graph with names; what is known became constants, and what nothing reads is gone. hone's own
// graphs stay as they were.
ir::Graph OnnxImporter::settled() {
  ir::Rewriter rewriter(graph());
  for (const ir::Node& node : graph().nodes()) {
    ir::Node named = node;
    const Fact& fact = facts_[static_cast<size_t>(node.results[0])];
    if (named.name.empty()) named.name = fact.name;
    const bool is_source = node.op->op_class == ir::OpClass::source;
    const bool is_fixed = is_source ? fact.is_read : fact.contents.defined() && !fact.varies;
    if (is_own_ || !is_fixed) {
      rewriter.copy(named);
      continue;
    }
    for (ValueId v : node.results)
      rewriter.replace(v,
                       rewriter.to().constant(facts_[static_cast<size_t>(v)].contents, named.name));
  }
  ir::Graph all = ir::without_dead_nodes(rewriter.finish());
  if (is_own_) return all;
  const std::vector<int> uses = all.use_counts();
  ir::Rewriter read(all);
  for (const ir::Node& node : all.nodes())
    if (!node.is(ir::op::state) || uses[static_cast<size_t>(node.results[0])] > 0) read.copy(node);
  return read.finish();
}

}  // namespace hone::io

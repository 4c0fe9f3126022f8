// One sweep. A value of rank 4 is computed in one of the two orders, its own, and is transposed to
// the other at most once, when somebody asks for it. Windowed ops want NHWC; elementwise ops,
// movements and reductions follow the largest of their operands; everything else wants NCHW.
#include "passes/layout.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/dtype.h"
#include "ir/rewrite.h"

namespace hone::passes {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Graph;
using ir::Ints;
using ir::kNoValue;
using ir::Node;
using ir::ValueId;

const Ints kToNhwc = {0, 2, 3, 1};
const Ints kToNchw = {0, 3, 1, 2};
const Ints kToHwio = {2, 3, 1, 0};
/// Stands for a batch that is not known yet where sizes are compared.
constexpr int64_t kUsualBatch = 64;
/// Where an axis of NCHW is in NHWC.
constexpr std::array<int64_t, 4> kAxisInNhwc = {0, 3, 1, 2};

Ints permuted(const Ints& dims, const Ints& perm) {
  Ints out;
  for (int64_t axis : perm) out.push_back(dims[static_cast<size_t>(axis)]);
  return out;
}

class LayoutPass {
 public:
  explicit LayoutPass(const Graph& graph)
      : from_(graph),
        rewriter_(graph),
        nhwc_(graph.values().size(), kNoValue),
        computed_in_nhwc_(graph.values().size(), false) {}

  Graph run() {
    for (const Node& node : from_.nodes()) convert(node);
    for (const ir::Output& o : from_.outputs()) nchw(o.value);
    for (const ir::Update& u : from_.updates()) nchw(u.value);
    return rewriter_.finish();
  }

 private:
  using Handler = void (LayoutPass::*)(const Node&);

  void convert(const Node& node) {
    static const std::map<const ir::OpSpec*, Handler> handlers = {
        {&op::conv2d, &LayoutPass::conv},
        {&op::conv2d_grad_input, &LayoutPass::conv},
        {&op::conv2d_grad_weight, &LayoutPass::grad_weight},
        {&op::winograd_conv2d, &LayoutPass::conv},
        {&op::max_pool2d, &LayoutPass::pool},
        {&op::max_pool2d_grad, &LayoutPass::pool},
        {&op::avg_pool2d, &LayoutPass::pool},
        {&op::avg_pool2d_grad, &LayoutPass::pool},
        {&op::concat, &LayoutPass::follow_axis},
        {&op::slice, &LayoutPass::follow_axis},
        {&op::pad, &LayoutPass::follow_axis},
        {&op::gather, &LayoutPass::follow_gather},
        {&op::broadcast, &LayoutPass::follow_broadcast},
        {&op::reduce_sum, &LayoutPass::follow_reduction},
        {&op::reduce_max, &LayoutPass::follow_reduction},
        {&op::moments, &LayoutPass::follow_reduction},
    };
    const auto found = handlers.find(node.op);
    const bool elementwise = node.op->op_class == ir::OpClass::elementwise && !node.is(op::fused) &&
                             from_.shape(node.results[0]).rank() == 4;
    if (found != handlers.end() && takes_nhwc(node)) (this->*found->second)(node);
    else if (elementwise && follows_nhwc(node)) in_nhwc(node, node.attrs);
    else unchanged(node);
  }

  /// Windowed ops that are NCHW now go to NHWC; what follows its operands does so where they are.
  bool takes_nhwc(const Node& node) const {
    if (node.attrs.has("layout"))
      return node.attrs.get<std::string>("layout") == "nchw" && !node.attrs.has("epilogue");
    return follows_nhwc(node);
  }

  bool follows_nhwc(const Node& node) const {
    int64_t most = 0;
    bool follows = false;
    for (ValueId v : node.operands) {
      const Shape& shape = from_.shape(v);
      if (shape.rank() != 4) continue;
      const bool mine = computed_in_nhwc_[static_cast<size_t>(v)];
      int64_t size = 1;
      for (int64_t extent : shape.dims()) size *= extent == kBatch ? kUsualBatch : extent;
      if (size > most) follows = mine;
      else if (size == most) follows = follows || mine;
      most = std::max(most, size);
    }
    return follows;
  }

  ValueId transpose(ValueId now, const Ints& perm) {
    return rewriter_.to().add(op::transpose, {now}, {{"perm", perm}});
  }

  ValueId nchw(ValueId old) {
    if (!rewriter_.has(old))
      rewriter_.replace(old, transpose(nhwc_[static_cast<size_t>(old)], kToNchw));
    return rewriter_(old);
  }

  /// An old value as NHWC: one of lower rank as what it is when broadcast to NCHW, a scalar as it
  /// is.
  ValueId nhwc(ValueId old) {
    ValueId& known = nhwc_[static_cast<size_t>(old)];
    if (known != kNoValue) return known;
    const Shape& shape = from_.shape(old);
    const Node& producer = from_.producer(old);
    if (shape.rank() == 0) return rewriter_(old);
    if (shape.rank() == 4 && producer.is(op::broadcast)) {
      // Repeating in the other order is cheaper than moving what was repeated.
      const ValueId repeated = nhwc(producer.operands[0]);
      return known =
                 rewriter_.to().add(op::broadcast, {repeated},
                                    {{"shape", permuted(shape.dims(), kToNhwc)}}, producer.name);
    }
    ValueId now = rewriter_(old);
    if (shape.rank() < 4) {
      Ints dims(static_cast<size_t>(4 - shape.rank()), 1);
      dims.insert(dims.end(), shape.dims().begin(), shape.dims().end());
      now = rewriter_.to().add(op::reshape, {now}, {{"shape", dims}});
    }
    return known = transpose(now, kToNhwc);
  }

  void computed(ValueId old, ValueId now) {
    nhwc_[static_cast<size_t>(old)] = now;
    computed_in_nhwc_[static_cast<size_t>(old)] = true;
  }

  void unchanged(const Node& node) {
    for (ValueId v : node.operands) nchw(v);
    rewriter_.copy(node);
  }

  /// The node on operands in NHWC, giving results in NHWC.
  void in_nhwc(const Node& node, Attrs attrs) {
    std::vector<ValueId> operands;
    for (ValueId v : node.operands) operands.push_back(nhwc(v));
    append_nhwc(node, std::move(operands), std::move(attrs));
  }

  void append_nhwc(const Node& node, std::vector<ValueId> operands, Attrs attrs) {
    const ir::NodeId now =
        rewriter_.to().append(*node.op, std::move(operands), std::move(attrs), node.name);
    for (size_t i = 0; i < node.results.size(); ++i)
      computed(node.results[i], rewriter_.to().node(now).results[i]);
  }

  static Attrs windowed(const Node& node) {
    Attrs attrs = node.attrs;
    attrs.set("layout", std::string("nhwc"));
    if (attrs.has("shape")) attrs.set("shape", permuted(attrs.ints("shape"), kToNhwc));
    return attrs;
  }

  /// Floats are read where they lie, as they are packed; bytes a line of the filter at a time.
  void conv(const Node& node) {
    ValueId weight = nchw(node.operands[1]);
    Attrs attrs = windowed(node);
    if (is_byte(from_.type(node.operands[1]).dtype)) {
      weight = transpose(weight, kToHwio);
      attrs.set("layout", std::string("nhwc_hwio"));
    }
    append_nhwc(node, {nhwc(node.operands[0]), weight}, std::move(attrs));
  }

  void grad_weight(const Node& node) {
    Attrs attrs = node.attrs;
    attrs.set("layout", std::string("nhwc"));
    rewriter_.replace(node.results[0],
                      rewriter_.to().add(*node.op, {nhwc(node.operands[0]), nhwc(node.operands[1])},
                                         std::move(attrs), node.name));
  }

  void pool(const Node& node) { in_nhwc(node, windowed(node)); }

  void follow_axis(const Node& node) {
    Attrs attrs = node.attrs;
    attrs.set("axis", kAxisInNhwc[static_cast<size_t>(attrs.integer("axis"))]);
    in_nhwc(node, std::move(attrs));
  }

  // A list of indices keeps the rank.
  void follow_gather(const Node& node) {
    if (from_.shape(node.operands[1]).rank() != 1) return unchanged(node);
    const auto axis = static_cast<size_t>(node.attrs.integer("axis"));
    append_nhwc(node, {nhwc(node.operands[0]), nchw(node.operands[1])},
                {{"axis", kAxisInNhwc[axis]}});
  }

  void follow_broadcast(const Node& node) {
    if (from_.shape(node.results[0]).rank() != 4) return unchanged(node);
    Attrs attrs = node.attrs;
    attrs.set("shape", permuted(attrs.ints("shape"), kToNhwc));
    in_nhwc(node, std::move(attrs));
  }

  void follow_reduction(const Node& node) {
    Attrs attrs = node.attrs;
    Ints axes = attrs.ints("axes");
    for (int64_t& axis : axes) axis = kAxisInNhwc[static_cast<size_t>(axis)];
    attrs.set("axes", axes);
    if (node.is(op::moments) || attrs.flag("keep")) return in_nhwc(node, std::move(attrs));
    const ValueId reduced =
        rewriter_.to().add(*node.op, {nhwc(node.operands[0])}, std::move(attrs), node.name);
    rewriter_.replace(node.results[0], in_old_order(reduced, axes));
  }

  /// The axes that a reduction of an NHWC value has left, as NCHW has them.
  ValueId in_old_order(ValueId reduced, const Ints& gone) {
    std::vector<std::pair<int64_t, int64_t>> kept;  // (axis in NCHW, axis of `reduced`)
    for (int64_t axis = 0; axis < 4; ++axis)
      if (std::find(gone.begin(), gone.end(), axis) == gone.end())
        kept.emplace_back(kToNhwc[static_cast<size_t>(axis)], static_cast<int64_t>(kept.size()));
    std::sort(kept.begin(), kept.end());
    Ints perm;
    for (const auto& [axis, position] : kept) perm.push_back(position);
    return std::is_sorted(perm.begin(), perm.end()) ? reduced : transpose(reduced, perm);
  }

  const Graph& from_;
  ir::Rewriter rewriter_;      // holds the values in the order of the old graph
  std::vector<ValueId> nhwc_;  // of an old value, once there is one
  std::vector<bool> computed_in_nhwc_;
};

}  // namespace

Graph layout(const Graph& graph, const PassContext&) { return LayoutPass(graph).run(); }

}  // namespace hone::passes

// The verifier.
#include "ir/verify.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace hone::ir {
namespace {

class Verifier {
 public:
  Verifier(const Graph& graph, Level level) : graph_(graph), level_(level) {}

  void run() {
    ValueId next_value = 0;
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      where_ = static_cast<NodeId>(i);
      next_value = check_order(graph_.nodes()[i], next_value);
      check_attributes(graph_.nodes()[i]);
      check_types(graph_.nodes()[i]);
      check_level(graph_.nodes()[i]);
    }
    where_ = -1;
    check(next_value == value_count(), "expected a node for each of {} values, found {}",
          value_count(), next_value);
    check_names();
    check_results();
  }

 private:
  template <class... Args>
  void check(bool ok, fmt::format_string<Args...> format, Args&&... args) const {
    if (ok) return;
    std::string who = fmt::format("graph '{}'", graph_.name());
    if (where_ >= 0) {
      const Node& node = graph_.node(where_);
      who += fmt::format(", node {}: {} '{}'", where_, node.op->name, node.name);
    }
    throw Error(ErrorKind::Internal, who + ": " + fmt::format(format, std::forward<Args>(args)...));
  }

  ValueId value_count() const { return static_cast<ValueId>(graph_.values().size()); }
  bool exists(ValueId v) const { return v >= 0 && v < value_count(); }

  /// Operands stand above; results are numbered on from `next` and know their node.
  ValueId check_order(const Node& node, ValueId next) const {
    for (ValueId v : node.operands)
      check(v >= 0 && v < next, "expected operands that are computed before it, found %{}", v);
    for (size_t i = 0; i < node.results.size(); ++i, ++next) {
      check(node.results[i] == next && exists(next), "expected %{} as result {}, found %{}", next,
            i, node.results[i]);
      const Value& value = graph_.value(next);
      check(value.node == where_ && value.result == static_cast<int>(i),
            "expected %{} to be its result {}, found result {} of node {}", next, i, value.result,
            value.node);
    }
    return next;
  }

  void check_attributes(const Node& node) const {
    std::set<std::string_view> known;
    std::string_view rest = node.op->attributes;
    while (!rest.empty()) {
      std::string_view name = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const bool optional = name.ends_with('?');
      if (optional) name.remove_suffix(1);
      known.insert(name);
      check(optional || node.attrs.has(name), "attribute '{}' is missing", name);
    }
    for (const auto& [name, value] : node.attrs.entries())
      check(known.contains(name), "attribute '{}' is unknown: expected {}", name,
            node.op->attributes.empty() ? "none" : node.op->attributes);
  }

  void check_types(const Node& node) const {
    std::vector<TensorType> operands;
    for (ValueId v : node.operands) operands.push_back(graph_.type(v));
    std::vector<TensorType> inferred;
    try {
      inferred = infer(*node.op, operands, node.attrs, node.name);
    } catch (const Error& e) {
      check(false, "{}", e.what());
    }
    check(inferred.size() == node.results.size(), "expected {} results, found {}", inferred.size(),
          node.results.size());
    for (size_t i = 0; i < inferred.size(); ++i) {
      const TensorType& type = graph_.type(node.results[i]);
      check(type == inferred[i], "expected %{} of type {}, found {}", node.results[i],
            inferred[i].to_string(), type.to_string());
      for (int64_t d : type.shape.dims())
        check(d >= 0 || (d == kBatch && level_ != Level::planned),
              "expected {}, found %{} of type {}",
              level_ == Level::planned ? "a static shape" : "extents of at least 0",
              node.results[i], type.to_string());
    }
  }

  void check_level(const Node& node) const {
    for (const auto& [name, value] : node.attrs.entries()) {
      const Region* region = std::get_if<Region>(&value);
      if (region == nullptr) continue;
      check(*region != nullptr, "region '{}' is empty", name);
      check(level_ == Level::planned, "region '{}' is for lowered graphs only", name);
      check_body(**region);
    }
    check(level_ != Level::imported || !node.attrs.has("shards"),
          "'shards' is for passes to set, not for users");
  }

  /// A region is a loop's body: sources and elementwise nodes, no states of its own.
  void check_body(const Graph& body) const {
    for (const Node& node : body.nodes()) {
      const bool source = node.is(op::input) || node.is(op::constant);
      const bool computes = node.op->op_class == OpClass::elementwise && !node.is(op::fused);
      check(source || computes, "expected elementwise ops in a region, found {} '{}'",
            node.op->name, node.name);
    }
    try {
      verify(body, level_);
    } catch (const Error& e) {
      check(false, "{}", e.what());
    }
  }

  void check_names() const {
    for (const OpSpec* kind : {&op::input, &op::state}) {
      std::set<std::string_view> taken;
      for (const Node& node : graph_.nodes()) {
        if (!node.is(*kind)) continue;
        check(!node.name.empty(), "an {} has no name", kind->name);
        check(taken.insert(node.name).second, "two {}s are named '{}'", kind->name, node.name);
      }
    }
  }

  void check_results() const {
    std::set<std::string_view> names;
    for (const Output& o : graph_.outputs()) {
      check(exists(o.value), "output '{}' is no value", o.name);
      check(names.insert(o.name).second, "two outputs are named '{}'", o.name);
    }
    std::set<ValueId> updated;
    for (const Update& u : graph_.updates()) {
      check(exists(u.state) && graph_.produced_by(u.state, op::state),
            "an update is not of a state but of %{}", u.state);
      const std::string& name = graph_.producer(u.state).name;
      check(exists(u.value), "the update of '{}' is no value", name);
      check(updated.insert(u.state).second, "state '{}' is updated twice", name);
      check(graph_.type(u.state) == graph_.type(u.value), "state '{}': expected {}, found {}", name,
            graph_.type(u.state).to_string(), graph_.type(u.value).to_string());
    }
  }

  const Graph& graph_;
  const Level level_;
  NodeId where_ = -1;  // the node being checked
};

}  // namespace

void verify(const Graph& graph, Level level) { Verifier(graph, level).run(); }

}  // namespace hone::ir

// Building the graph of a network from its layers, or around a graph from a file.
#include "nn/network.h"

#include <map>
#include <set>

namespace hone::nn {
namespace {

using ir::Expr;

Expr to_float(Expr x) { return ir::cast(x, DType::f32); }

Expr normalize(Expr x, const Normalization& n) {
  std::vector<int64_t> dims(static_cast<size_t>(x.rank()), 1);
  dims[1] = static_cast<int64_t>(n.mean.size());
  require(dims[1] == x.shape()[1], "normalisation of {} channels, images have {}", dims[1],
          x.shape()[1]);
  const Expr mean =
      ir::constant(*x.graph, Tensor::from<float>(Shape(dims), n.mean), "normalize.mean");
  const Expr scale =
      ir::constant(*x.graph, Tensor::from<float>(Shape(dims), n.scale), "normalize.scale");
  return (x - mean) * scale;
}

class LayerNetwork final : public Network {
 public:
  LayerNetwork(std::string name, Var output, std::optional<Normalization> normalization)
      : name_(std::move(name)),
        output_(std::move(output)),
        normalization_(std::move(normalization)) {
    std::set<const Var::Node*> seen;
    order(output_, seen);
    name_layers();
  }

  std::string name() const override { return name_; }

  std::optional<Shape> sample_shape() const override {
    for (const Var::Node* node : order_)
      if (node->layer == nullptr && node->input_shape.rank() > 0) return node->input_shape;
    return std::nullopt;
  }

  Built build(Mode mode, const TensorType& type) const override {
    const std::optional<Shape> fixed = sample_shape();
    if (fixed) {
      std::vector<int64_t> dims = fixed->dims();
      dims.insert(dims.begin(), type.shape[0]);
      require(type.shape == Shape(dims), "model '{}': expected samples of shape {}, found {}",
              name_, Shape(dims), type.shape);
    }
    Built built{ir::Graph(name_), {}};
    Scope scope(&built.graph, mode);
    Expr x = to_float(ir::input(built.graph, "input", type));
    if (normalization_) x = normalize(x, *normalization_);
    std::map<const Var::Node*, Expr> values;
    for (const Var::Node* node : order_) {
      if (node->layer == nullptr) {
        values.emplace(node, x);
        continue;
      }
      std::vector<Expr> operands;
      for (const Var& v : node->operands) operands.push_back(values.at(v.node().get()));
      scope.enter(paths_.at(node));
      values.emplace(node, node->layer->build(scope, operands));
    }
    built.graph.output("logits", values.at(output_.node().get()).id);
    built.states = scope.states();
    return built;
  }

 private:
  void order(const Var& v, std::set<const Var::Node*>& seen) {
    if (!seen.insert(v.node().get()).second) return;
    for (const Var& operand : v.node()->operands) order(operand, seen);
    order_.push_back(v.node().get());
  }

  // "conv1", "conv2", "dense1": by kind, in order. A name that a user gave twice is refused.
  void name_layers() {
    std::map<std::string, int> count;
    std::set<std::string> taken;
    int inputs = 0;
    for (const Var::Node* node : order_) {
      if (node->layer == nullptr) {
        require(++inputs == 1, "model '{}': expected one input(), found several", name_);
        continue;
      }
      const Layer::Impl& layer = *node->layer;
      std::string path = layer.name;
      if (path.empty()) path = fmt::format("{}{}", layer.kind, ++count[layer.kind]);
      require(taken.insert(path).second, "model '{}': two layers are named '{}'", name_, path);
      paths_.emplace(node, std::move(path));
    }
    require(inputs == 1, "model '{}': its output does not depend on an input()", name_);
  }

  std::string name_;
  Var output_;
  std::optional<Normalization> normalization_;
  std::vector<const Var::Node*> order_;  // operands before users; kept alive by output_
  std::map<const Var::Node*, std::string> paths_;
};

class GraphNetwork final : public Network {
 public:
  explicit GraphNetwork(ir::Graph graph) : graph_(std::move(graph)) {
    require(graph_.find_input("input") != ir::kNoValue && graph_.inputs().size() == 1,
            "model '{}': expected one input, named 'input'", graph_.name());
    require(graph_.find_output("logits") != ir::kNoValue,
            "model '{}': expected an output named 'logits'", graph_.name());
  }

  std::string name() const override { return graph_.name(); }

  std::optional<Shape> sample_shape() const override {
    const std::vector<int64_t>& dims = graph_.shape(graph_.find_input("input")).dims();
    return Shape(std::vector<int64_t>(dims.begin() + 1, dims.end()));
  }

  int64_t batch() const override { return graph_.shape(graph_.find_input("input"))[0]; }

  Built build(Mode, const TensorType& type) const override {
    const TensorType& declared = graph_.type(graph_.find_input("input"));
    require(type.shape == declared.shape, "model '{}': expected samples of shape {}, found {}",
            name(), declared.shape, type.shape);
    Built built{ir::Graph(graph_.name()), {}};
    std::vector<ir::ValueId> now(graph_.values().size(), ir::kNoValue);
    for (const ir::Node& node : graph_.nodes()) {
      if (node.is(ir::op::input)) {
        now[static_cast<size_t>(node.results[0])] =
            to_float(ir::input(built.graph, "input", type)).id;
        continue;
      }
      std::vector<ir::ValueId> operands;
      for (ir::ValueId v : node.operands) operands.push_back(now[static_cast<size_t>(v)]);
      const ir::NodeId copy = built.graph.append(*node.op, operands, node.attrs, node.name);
      for (size_t i = 0; i < node.results.size(); ++i)
        now[static_cast<size_t>(node.results[i])] = built.graph.node(copy).results[i];
      if (node.is(ir::op::state)) {
        built.states.push_back({node.name, graph_.type(node.results[0]), Initializer::zeros()});
      }
    }
    for (const ir::Output& o : graph_.outputs())
      built.graph.output(o.name, now[static_cast<size_t>(o.value)]);
    return built;
  }

 private:
  ir::Graph graph_;
};

}  // namespace

std::shared_ptr<Network> make_network(std::string name, Var output,
                                      std::optional<Normalization> normalization) {
  return std::make_shared<LayerNetwork>(std::move(name), std::move(output),
                                        std::move(normalization));
}

std::shared_ptr<Network> make_network(ir::Graph graph) {
  return std::make_shared<GraphNetwork>(std::move(graph));
}

Var chain(const std::vector<Layer>& layers) {
  require(!layers.empty(), "sequential: expected at least one layer");
  Var x = input({});
  for (const Layer& layer : layers) x = layer(x);
  return x;
}

}  // namespace hone::nn

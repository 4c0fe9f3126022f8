// What is behind a Layer: a function that adds its nodes to a graph, in a scope that knows the
// layer's path, whether the graph is for training, and which parameters there are.
#pragma once

#include <hone/nn.h>

#include <functional>
#include <string>
#include <vector>

#include "ir/expr.h"

namespace hone::nn {

/// A state and how it starts.
struct StateInit {
  std::string name;
  TensorType type;
  Initializer init;
  int64_t fan_in = 1;
  int64_t fan_out = 1;
};

enum class Mode { inference, training };

/// Where layers are built: one graph, its states, and the path of the layer being built.
class Scope {
 public:
  Scope(ir::Graph* graph, Mode mode) : graph_(graph), mode_(mode) {}

  ir::Graph& graph() { return *graph_; }
  bool training() const { return mode_ == Mode::training; }
  const std::string& path() const { return path_; }
  void enter(std::string path) { path_ = std::move(path); }

  /// A trainable state "path.name".
  ir::Expr parameter(std::string_view name, Shape shape, Initializer init, int64_t fan_in = 1,
                     int64_t fan_out = 1);
  /// A state "path.name" that is not trained (running statistics).
  ir::Expr statistic(std::string_view name, Shape shape, double initial);
  /// The run's seed and step, as i64 scalars: states shared by all that is random.
  ir::Expr seed() { return run_state("train/seed"); }
  ir::Expr step() { return run_state("train/step"); }

  const std::vector<StateInit>& states() const { return states_; }

 private:
  ir::Expr run_state(const std::string& name);
  ir::Expr add_state(StateInit init, bool trainable);

  ir::Graph* graph_;
  Mode mode_;
  std::string path_;
  std::vector<StateInit> states_;
};

}  // namespace hone::nn

namespace hone {

struct Layer::Impl {
  using Build = std::function<ir::Expr(nn::Scope&, const std::vector<ir::Expr>&)>;
  std::string kind;  ///< "conv", "dense": an unnamed layer's name is this with a number
  std::string name;
  Build build;
};

struct Var::Node {
  Shape input_shape;                         ///< of an input
  std::shared_ptr<const Layer::Impl> layer;  ///< nullptr for an input
  std::vector<Var> operands;
};

}  // namespace hone

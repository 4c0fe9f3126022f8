// The graphs of the ONNX tests.
#include <fmt/format.h>

#include "io/onnx_test_graphs.h"
#include "io/tensor_bytes.h"

namespace hone::io {

OnnxModel small_cnn(int64_t batch) {
  namespace op = ir::op;
  using ir::Ints;
  OnnxModel m{ir::Graph("small_cnn"), {}, {"cat", "dog \"x\"", "\xc3\xa9"}, {{"data", "made up"}}};
  ir::Graph& g = m.graph;
  const std::string nchw = "nchw";
  const auto conv = [&](ir::ValueId x, const std::string& name, Shape weight, int64_t stride,
                        int64_t groups) {
    const int64_t outputs = weight[0];
    const auto w = add_state(m, name + ".weight", std::move(weight));
    const auto y = g.add(op::conv2d, {x, w},
                         {{"stride", Ints{stride, stride}},
                          {"pad", Ints{1, 1, 1, 0}},
                          {"dilation", Ints{1, 1}},
                          {"groups", groups},
                          {"layout", nchw}},
                         name);
    const auto b = g.add(op::reshape, {add_state(m, name + ".bias", {outputs})},
                         {{"shape", Ints{outputs, 1, 1}}}, name);
    return g.add(op::add, {y, b}, {}, name);
  };
  ir::ValueId x = g.input("input", {DType::f32, {batch, 3, 9, 8}});
  const auto mean = g.constant(Tensor::from<float>({3, 1, 1}, {120, 110, 100}), "mean");
  x = g.add(op::sub, {x, mean});
  x = g.add(op::mul, {x, g.constant(Tensor::scalar(1.0F / 64))});
  x = g.add(op::relu, {conv(x, "conv1", {8, 3, 3, 3}, 1, 1)}, {}, "relu1");
  x = g.add(
      op::max_pool2d, {x},
      {{"window", Ints{2, 2}}, {"stride", Ints{2, 2}}, {"pad", Ints{1, 0, 0, 0}}, {"layout", nchw}},
      "pool1");
  const auto residual = x;
  x = conv(x, "conv2", {8, 4, 3, 3}, 1, 2);
  const auto statistic = [&](const std::string& name) {
    const auto s = add_state(m, name, {8}, false);
    for (int i = 0; i < 8; ++i) m.states[name].data<float>()[i] += 2;
    return g.add(op::reshape, {s}, {{"shape", Ints{8, 1, 1}}}, name);
  };
  x = g.add(op::sub, {x, statistic("bn.mean")}, {}, "bn");
  x = g.add(op::div, {x, g.add(op::sqrt, {statistic("bn.var")}, {}, "bn")}, {}, "bn");
  const auto cut = g.add(op::slice, {residual},
                         {{"axis", int64_t{3}}, {"begin", int64_t{1}}, {"end", int64_t{3}}});
  x = g.add(op::add, {x, cut}, {}, "residual");
  x = g.add(op::avg_pool2d, {x},
            {{"window", Ints{3, 3}},
             {"stride", Ints{2, 1}},
             {"pad", Ints{1, 1, 1, 1}},
             {"layout", nchw},
             {"count_pad", int64_t{1}}},
            "pool2");
  const Shape shape = g.shape(x);
  const int64_t features = shape[1] * shape[2] * shape[3];
  x = g.add(op::reshape, {x}, {{"shape", Ints{0, features}}}, "flatten");
  x = g.add(op::matmul, {x, add_state(m, "fc.weight", {3, features})}, {{"trans_b", int64_t{1}}},
            "fc");
  x = g.add(op::add, {x, add_state(m, "fc.bias", {3})}, {}, "fc");
  g.output("logits", x);
  g.output("class", g.add(op::argmax, {x}, {{"axis", int64_t{1}}}));
  return m;
}

namespace {

struct AttrText {
  std::string operator()(int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return fmt::format("{:a}", v); }
  std::string operator()(const std::string& v) const { return v; }
  std::string operator()(const ir::Ints& v) const { return fmt::format("{}", fmt::join(v, " ")); }
  std::string operator()(const Tensor& v) const {
    return v.type().to_string() + fmt::format("{:02x}", fmt::join(bytes_of(v), ""));
  }
  std::string operator()(const ir::Region& v) const { return describe(*v); }
};

}  // namespace

std::string describe(const ir::Graph& graph) {
  std::map<ir::ValueId, std::string> names;
  std::string sources, nodes;
  int serial = 0;
  for (const ir::Node& n : graph.nodes()) {
    std::string line = fmt::format("{} '{}'", n.op->name, n.name);
    for (const auto& [name, value] : n.attrs.entries())
      if (name != "batch" && name != "shards")
        line += fmt::format(" {}={}", name, std::visit(AttrText{}, value));
    if (n.is(ir::op::constant)) {
      names[n.results[0]] = line;
      continue;
    }
    for (ir::ValueId v : n.operands) line += fmt::format(" ({})", names.at(v));
    if (n.op->op_class == ir::OpClass::source) {
      names[n.results[0]] = n.name;
      sources += line + "\n";
      continue;
    }
    for (ir::ValueId v : n.results) names[v] = fmt::format("%{}", serial++);
    nodes += line + " : " + graph.type(n.results[0]).to_string() + "\n";
  }
  for (const ir::Output& o : graph.outputs())
    nodes += fmt::format("output '{}' ({})\n", o.name, names.at(o.value));
  return sources + nodes;
}

}  // namespace hone::io

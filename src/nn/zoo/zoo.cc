// The list of the zoo, with linear, mlp and cnn.
#include "nn/zoo/zoo.h"

#include "base/error.h"

namespace hone::nn {
namespace {

Var chained(Var x, const std::vector<Layer>& layers) {
  for (const Layer& layer : layers) x = layer(x);
  return x;
}

Var linear_network(Var x, int64_t classes) { return chained(x, {flatten(), dense(classes)}); }

Var mlp_network(Var x, int64_t classes) {
  return chained(x, {flatten(), dense(128, relu), dense(classes)});
}

Var cnn_network(Var x, int64_t classes) {
  return chained(x, {conv2d(32, 3, relu), max_pool2d(2), conv2d(64, 3, relu), max_pool2d(2),
                     flatten(), dense(128, relu), dense(classes)});
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      {"linear",
       "one dense layer (softmax regression)",
       linear_network,
       {1, 28, 28},
       10,
       {.optimizer = sgd({.lr = 0.01}), .epochs = 5}},
      {"mlp",
       "784-128-10 with ReLU, on 28x28 images",
       mlp_network,
       {1, 28, 28},
       10,
       {.optimizer = adam({.lr = 1e-3}), .schedule = Schedule::Kind::cosine}},
      {"cnn",
       "two convolutions, two dense layers",
       cnn_network,
       {1, 28, 28},
       10,
       {.optimizer = adam({.lr = 1e-3}), .schedule = Schedule::Kind::cosine}},
      resnet20(),
      resnet18(),
      mobilenetv2(),
  };
  return entries;
}

const ZooEntry& zoo_entry(std::string_view name) {
  std::string known;
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail(ErrorKind::InvalidInput, "no model '{}': expected one of {}, or an ONNX file", name, known);
}

Optimizer with_schedule(Optimizer optimizer, Schedule::Kind kind, int64_t epochs, int64_t steps,
                        int64_t warmup_steps) {
  const int64_t all = epochs * steps;
  switch (kind) {
    case Schedule::Kind::constant:
      optimizer.schedule = Schedule::constant();
      break;
    case Schedule::Kind::step:
      optimizer.schedule = Schedule::step((all + 2) / 3, 0.1);
      break;
    case Schedule::Kind::cosine:
      optimizer.schedule = Schedule::cosine(all);
      break;
  }
  optimizer.schedule.warmup = warmup_steps;
  return optimizer;
}

}  // namespace hone::nn

// linear, mlp, cnn.
#include "nn/zoo.h"

#include "base/error.h"

namespace hone::nn {
namespace {

std::vector<Layer> linear_layers(int64_t classes) { return {flatten(), dense(classes)}; }

std::vector<Layer> mlp_layers(int64_t classes) {
  return {flatten(), dense(128, relu), dense(classes)};
}

std::vector<Layer> cnn_layers(int64_t classes) {
  return {conv2d(32, 3, relu), max_pool2d(2),    conv2d(64, 3, relu), max_pool2d(2),
          flatten(),           dense(128, relu), dense(classes)};
}

}  // namespace

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      {"linear", "one dense layer (softmax regression)", linear_layers, sgd({.lr = 0.01}), 5, 64},
      {"mlp", "784-128-10 with ReLU, on 28x28 images", mlp_layers, adam({.lr = 1e-3}), 10, 64},
      {"cnn", "two convolutions, two dense layers", cnn_layers, adam({.lr = 1e-3}), 10, 64},
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

}  // namespace hone::nn

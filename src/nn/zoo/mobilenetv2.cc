// MobileNetV2: Sandler, Howard, Zhu, Zhmoginov, Chen, "Inverted residuals and linear bottlenecks"
// (2018), table 2. A bottleneck widens its input t times, filters every channel by itself, and
// projects to c channels without an activation. With 1000 classes: 3,504,872 parameters.
#include "nn/zoo/blocks.h"
#include "nn/zoo/zoo.h"

namespace hone::nn {
namespace {

Var bottleneck(const Var& x, int64_t channels, int64_t t, int64_t c, int64_t stride,
               const std::string& path) {
  const int64_t wide = channels * t;
  Var y = t == 1 ? x : activation(relu6)(conv_norm(x, wide, 1, 1, path, "1"));
  y = activation(relu6)(conv_norm(y, wide, 3, stride, path, "2", wide));
  y = conv_norm(y, c, 1, 1, path, "3");
  return stride == 1 && channels == c ? add({x, y}) : y;
}

struct Row {
  int64_t t, c, n, s;  ///< expansion, channels, repetitions, stride of the first
};
constexpr Row kTable2[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                           {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

Var network(Var x, int64_t classes) {
  int64_t channels = 32;
  int block = 0;
  x = activation(relu6)(conv_norm(x, channels, 3, 2, "stem"));
  for (const Row& row : kTable2) {
    for (int64_t i = 0; i < row.n; ++i) {
      x = bottleneck(x, channels, row.t, row.c, i == 0 ? row.s : 1,
                     "bottleneck" + std::to_string(++block));
      channels = row.c;
    }
  }
  x = activation(relu6)(conv_norm(x, 1280, 1, 1, "head"));
  return dense(classes, linear, {.name = "classes"})(global_avg_pool2d()(x));
}

}  // namespace

// The paper's decay of weights; SGD with a cosine instead of its RMSprop over 480 epochs.
ZooEntry mobilenetv2() {
  return {"mobilenetv2",
          "inverted residuals, for little arithmetic (Sandler et al. 2018)",
          network,
          {3, 224, 224},
          1000,
          {.optimizer = sgd({.lr = 0.05, .momentum = 0.9, .weight_decay = 4e-5}),
           .epochs = 150,
           .batch = 256,
           .schedule = Schedule::Kind::cosine,
           .warmup_epochs = 1,
           .flip = true,
           .crop = 1. / 8}};
}

}  // namespace hone::nn

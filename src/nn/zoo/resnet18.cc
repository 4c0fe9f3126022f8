// ResNet-18: He, Zhang, Ren, Sun, "Deep residual learning for image recognition" (2015), table 1.
// A 7 x 7 stem and a maximum pool, four stages of two blocks, of 64 to 512 filters; where the shape
// changes, the shortcut is a 1 x 1 convolution (option B). With 1000 classes: 11,689,512
// parameters.
#include "nn/zoo/blocks.h"
#include "nn/zoo/zoo.h"

namespace hone::nn {
namespace {

Var block(const Var& x, int64_t filters, int64_t stride, bool projects, const std::string& path) {
  Var y = activation(relu)(conv_norm(x, filters, 3, stride, path, "1"));
  y = conv_norm(y, filters, 3, 1, path, "2");
  const Var shortcut = projects ? conv_norm(x, filters, 1, stride, path + ".shortcut") : x;
  return activation(relu)(add({y, shortcut}));
}

Var network(Var x, int64_t classes) {
  x = activation(relu)(conv_norm(x, 64, 7, 2, "stem"));
  x = max_pool2d(3, {.stride = 2, .padding = Padding::pixels(1)})(x);
  for (int stage = 0; stage < 4; ++stage) {
    for (int i = 0; i < 2; ++i) {
      const bool first = stage > 0 && i == 0;
      x = block(x, 64 << stage, first ? 2 : 1, first,
                "layer" + std::to_string(stage + 1) + "." + std::to_string(i));
    }
  }
  return dense(classes, linear, {.name = "classes"})(global_avg_pool2d()(x));
}

}  // namespace

// The paper's, for ImageNet; its crops change the scale, too.
ZooEntry resnet18() {
  return {"resnet18",
          "residual network of 18 layers (He et al. 2015)",
          network,
          {3, 224, 224},
          1000,
          {.optimizer = sgd({.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4}),
           .epochs = 90,
           .batch = 256,
           .schedule = Schedule::Kind::step,
           .flip = true,
           .crop = 1. / 8}};
}

}  // namespace hone::nn

// ResNet-20 for small images: He, Zhang, Ren, Sun, "Deep residual learning for image recognition"
// (2015), section 4.2, n = 3. Three stages of three blocks, of 16, 32 and 64 filters; the shortcuts
// have no parameters (option A): where the size halves, every second pixel, and zeros for the new
// channels. On 3 x 32 x 32 images of 10 classes: 269,722 parameters.
#include "nn/zoo/blocks.h"
#include "nn/zoo/zoo.h"

namespace hone::nn {
namespace {

Var shortcut(const Var& x, int64_t new_channels, int64_t stride) {
  if (stride == 1) return x;
  return pad_channels(new_channels / 2, new_channels / 2)(max_pool2d(1, {.stride = stride})(x));
}

Var block(const Var& x, int64_t filters, int64_t stride, const std::string& path) {
  Var y = activation(relu)(conv_norm(x, filters, 3, stride, path, "1"));
  y = conv_norm(y, filters, 3, 1, path, "2");
  return activation(relu)(add({y, shortcut(x, filters / 2, stride)}));
}

Var network(Var x, int64_t classes) {
  x = activation(relu)(conv_norm(x, 16, 3, 1, "stem"));
  for (int stage = 0; stage < 3; ++stage)
    for (int i = 0; i < 3; ++i)
      x = block(x, 16 << stage, stage > 0 && i == 0 ? 2 : 1,
                "layer" + std::to_string(stage + 1) + "." + std::to_string(i));
  return dense(classes, linear, {.name = "classes"})(global_avg_pool2d()(x));
}

}  // namespace

// The paper's optimiser, batch and augmentation, for fewer epochs with a cosine, which gains what
// its 164 epochs with two drops do.
ZooEntry resnet20() {
  return {"resnet20",
          "residual network of 20 layers for small images (He et al. 2015)",
          network,
          {3, 32, 32},
          10,
          {.optimizer = sgd({.lr = 0.1, .momentum = 0.9, .weight_decay = 1e-4}),
           .epochs = 30,
           .batch = 128,
           .schedule = Schedule::Kind::cosine,
           .warmup_epochs = 1,
           .flip = true,
           .crop = 1. / 8}};
}

}  // namespace hone::nn

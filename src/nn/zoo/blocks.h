// What the zoo's deep networks are made of.
#pragma once

#include <hone/nn.h>

#include <string>

namespace hone::nn {

/// A convolution that keeps the size (divided by the stride), without a bias, and the batch norm
/// that follows: "PATH.convN" and "PATH.normN".
inline Var conv_norm(const Var& x, int64_t filters, int64_t kernel, int64_t stride,
                     const std::string& path, const std::string& n = "", int64_t groups = 1) {
  const Layer conv = conv2d(filters, kernel, linear,
                            {.stride = stride,
                             .padding = Padding::pixels(kernel / 2),
                             .groups = groups,
                             .bias = false,
                             .weight = Initializer::he_normal(),
                             .name = path + ".conv" + n});
  return batch_norm({.name = path + ".norm" + n})(conv(x));
}

}  // namespace hone::nn

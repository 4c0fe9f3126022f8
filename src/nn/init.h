// Initial values of states.
#pragma once

#include "nn/layer.h"

namespace hone::nn {

/// A fresh tensor for `state`: a pure function of the seed and the state's name.
Tensor initialize(const StateInit& state, uint64_t seed);

}  // namespace hone::nn

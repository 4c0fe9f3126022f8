// The contents of random operands.
#pragma once

#include <hone/tensor.h>

#include <cstdint>
#include <vector>

#include "kernels/draw.h"

namespace hone::kernels {

/// What the floats of a case are.
enum class Values {
  plain,     ///< uniform in [-2, 2), or, now and then, small integers, so that some are equal
  specials,  ///< plain, with NaN, infinities, zeros of both signs, denormals and huge values
  smooth,    ///< all distinct and at least 0.5 from 0: away from every kink
  positive,  ///< smooth, and greater than 0
};

/// Of signed integers; u8 and bool take all that they have.
struct IntegerRange {
  int64_t low = -5, high = 5;
};

std::vector<Tensor> random_tensors(Draw& draw, const std::vector<TensorType>& types, Values kind,
                                   IntegerRange integers);

}  // namespace hone::kernels

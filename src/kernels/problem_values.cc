// Floats that are plain, special or smooth, and integers in a range.
#include "kernels/problem_values.h"

#include <algorithm>
#include <limits>

namespace hone::kernels {
namespace {

float special_value(Draw& draw) {
  using Limits = std::numeric_limits<float>;
  constexpr float kSpecials[] = {0.0f,
                                 -0.0f,
                                 Limits::quiet_NaN(),
                                 1e-40f,
                                 -1e-40f,
                                 Limits::infinity(),
                                 Limits::max(),
                                 Limits::lowest(),
                                 -Limits::infinity(),
                                 Limits::min(),
                                 1.0f,
                                 -88.5f};
  return draw.pick(kSpecials);
}

/// Distinct magnitudes in [0.5, 2), in random order, for all floats of a case together.
std::vector<float> smooth_values(Draw& draw, int64_t count, bool positive) {
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) {
    const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    values[i] = static_cast<float>((0.5 + 1.5 * at) * (positive || draw.one_in(2) ? 1 : -1));
  }
  draw.shuffle(values);
  return values;
}

void fill_floats(Draw& draw, Tensor& tensor, Values kind) {
  float* x = tensor.data<float>();
  const bool whole = draw.one_in(4);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    if (kind == Values::specials && draw.one_in(8)) x[i] = special_value(draw);
    else if (whole) x[i] = static_cast<float>(draw.between(-3, 3));
    else x[i] = static_cast<float>(4 * draw.unit() - 2);
  }
}

Tensor random_integers(Draw& draw, const TensorType& type, IntegerRange range) {
  if (type.dtype == DType::u8) range = {0, 255};
  if (type.dtype == DType::u16 || type.dtype == DType::u32 || type.dtype == DType::u64)
    range = {0, range.high - range.low};
  if (type.dtype == DType::boolean) range = {0, 1};
  Tensor wide(DType::i64, type.shape);
  int64_t* x = wide.data<int64_t>();
  for (int64_t i = 0; i < wide.elements(); ++i) x[i] = draw.between(range.low, range.high);
  return wide.cast(type.dtype);
}

}  // namespace

std::vector<Tensor> random_tensors(Draw& draw, const std::vector<TensorType>& types, Values kind,
                                   IntegerRange integers) {
  int64_t floats = 0;
  for (const TensorType& type : types)
    if (type.dtype == DType::f32) floats += type.shape.elements();
  const bool smooth = kind == Values::smooth || kind == Values::positive;
  std::vector<float> values;
  if (smooth) values = smooth_values(draw, floats, kind == Values::positive);
  const float* next = values.data();

  std::vector<Tensor> tensors;
  for (const TensorType& type : types) {
    if (type.dtype != DType::f32) {
      tensors.push_back(random_integers(draw, type, integers));
      continue;
    }
    Tensor tensor(DType::f32, type.shape);
    if (smooth) {
      std::copy_n(next, tensor.elements(), tensor.data<float>());
      next += tensor.elements();
    } else {
      fill_floats(draw, tensor, kind);
    }
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace hone::kernels

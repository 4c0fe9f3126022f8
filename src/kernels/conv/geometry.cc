// The classes of positions of a convolution, and its panels.
#include "kernels/conv/geometry.h"

#include <algorithm>
#include <map>

namespace hone::kernels {
namespace {

constexpr int64_t kPadding = -1;

// `source_of(position, k)` says what tap k of a position reads, or kPadding.
template <class SourceOf>
std::vector<AxisClass> classify(int64_t positions, int64_t taps, SourceOf&& source_of) {
  std::vector<AxisClass> classes;
  std::map<std::vector<AxisClass::Tap>, size_t> known;
  for (int64_t p = 0; p < positions; ++p) {
    std::vector<AxisClass::Tap> read;
    int64_t first = 0;
    for (int64_t k = 0; k < taps; ++k) {
      const int64_t source = source_of(p, k);
      if (source == kPadding) continue;
      if (read.empty()) first = source;
      read.push_back({k, source - first});
    }
    const auto [at, is_new] = known.try_emplace(read, classes.size());
    if (is_new) classes.push_back({read, {}});
    classes[at->second].places.push_back({p, first});
  }
  return classes;
}

}  // namespace

std::vector<AxisClass> output_classes(const AxisFilter& f, int64_t inputs, int64_t outputs) {
  return classify(outputs, f.taps, [&](int64_t out, int64_t k) {
    const int64_t in = out * f.stride - f.pad + k * f.dilation;
    return in >= 0 && in < inputs ? in : kPadding;
  });
}

std::vector<AxisClass> input_classes(const AxisFilter& f, int64_t inputs, int64_t outputs) {
  return classify(inputs, f.taps, [&](int64_t in, int64_t k) {
    const int64_t distance = in + f.pad - k * f.dilation;
    if (distance < 0 || distance % f.stride != 0) return kPadding;
    return distance / f.stride < outputs ? distance / f.stride : kPadding;
  });
}

Range outputs_of_tap(const AxisFilter& f, int64_t k, int64_t inputs, int64_t outputs) {
  const int64_t shift = f.pad - k * f.dilation;  // output `out` reads input out * stride - shift
  const auto first_at_least = [&](int64_t input) {
    return std::clamp<int64_t>((std::max<int64_t>(0, input + shift) + f.stride - 1) / f.stride, 0,
                               outputs);
  };
  return {first_at_least(0), first_at_least(inputs)};
}

}  // namespace hone::kernels

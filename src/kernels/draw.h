// A stream of random choices, for random test problems: a pure function of its key.
#pragma once

#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace hone::kernels {

class Draw {
 public:
  explicit Draw(uint64_t key) : key_(key) {}
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(uniform_below(key_, index_++, static_cast<uint64_t>(bound)));
  }
  /// Uniform in [low, high].
  int64_t between(int64_t low, int64_t high) { return low + below(high - low + 1); }
  bool one_in(int64_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(below(int64_t{1} << 40)) * 0x1p-40; }
  template <class Container>
  const auto& pick(const Container& from) {
    return *(std::begin(from) + below(static_cast<int64_t>(std::size(from))));
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
  }

 private:
  uint64_t key_;
  uint64_t index_ = 0;
};

}  // namespace hone::kernels

// Applying a FinishTile to vectors of sums. This file is included *inside a namespace* that is
// compiled for one ISA level (kernels/simd.h) and has defined `hn` and a float tag D.

class FinishVectors {
  using V = hn::Vec<D>;

 public:
  HWY_INLINE explicit FinishVectors(const FinishTile& tile)
      : tile_(tile),
        low_(hn::Set(D(), tile.low)),
        high_(hn::Set(D(), tile.high)),
        zero_(hn::Set(D(), tile.zero)) {}

  /// The sum at `column` of the panel, whose element of the result lies at `at`. `load` reads a
  /// vector, perhaps only its first lanes. Of the processor's maximum and minimum the second
  /// operand comes back where either is no number or both are zero.
  template <class Load>
  HWY_INLINE V apply(V sum, int64_t column, int64_t at, Load&& load) const {
    if (tile_.bias != nullptr) sum = hn::Add(sum, load(tile_.bias + column));
    if (tile_.other != nullptr) sum = hn::Add(sum, load(tile_.other + at + column));
    return hn::Min(high_, hn::Add(hn::Max(low_, sum), zero_));
  }

 private:
  const FinishTile& tile_;
  const V low_, high_, zero_;
};

// Applying a FinishTile to a tile of sums in registers. This file is included *inside a namespace*
// that is compiled for one ISA level (kernels/simd.h) and has defined `hn` and a float tag D.

/// Finishes sums[r][v]. `bias` reads vector v of what begins at a pointer, and `other` what belongs
/// to the sum (r, v). Of the processor's maximum and minimum the second operand comes back where
/// either is no number or both are zero.
template <int rows, int vectors, class Bias, class Other>
HWY_INLINE void finish_tile(hn::Vec<D> (&sums)[rows][vectors], const FinishTile& tile, Bias&& bias,
                            Other&& other) {
  const D d;
  hn::Vec<D> added[vectors];
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    added[v] = hn::Set(d, tile.zero);
    if (tile.bias != nullptr) added[v] = hn::Add(added[v], bias(tile.bias, v));
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sums[r][v] = hn::Add(sums[r][v], added[v]);
  if (tile.other != nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sums[r][v] = hn::Add(sums[r][v], other(tile.other, r, v));
  }
  const auto low = hn::Set(d, tile.low), high = hn::Set(d, tile.high);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) sums[r][v] = hn::Min(high, hn::Max(low, sums[r][v]));
}

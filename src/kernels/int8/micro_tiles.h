// The loops that all levels share. A level's file includes this inside its namespace, where it has
// set the instructions that functions may use and defined:
//
// - what vectors_256.h or vectors_512.h has: V and F, vectors of i32 and f32, of kLanes; kRows, the
//   most rows of a tile;
// - Element, kStep, kI8Offset: as in DotFns;
// - weights(const int8_t*): a step of so many columns; each(const Element*): a step for all of
// them;
//   dot(V sums, V each, V weights);
// - of depthwise tiles kPixels, the most rows; channels(const Element*), a vector of channels of a
//   tap; interleave(V (&)[kStep]), which makes kStep of those kStep steps in the columns' order.
//
// There are no lambdas: the compiler would not let them use the instructions.

constexpr int kVectors = 2;
// How many bytes ahead weights are fetched: a page, at whose end the processor's own fetching
// stops.
constexpr int kAhead = 4096;

template <int rows, int vectors>
void tile(const DotTiles& t, int64_t first) {
  V sums[rows][vectors];
  const Element* x[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    x[r] = reinterpret_cast<const Element*>(t.x) + t.x_at[first + r];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      sums[r][v] = t.init == nullptr ? zero() : load(t.init + v * kLanes);
  }
  const int8_t* panel = t.panel;
  for (int64_t run = 0; run < t.run_count; ++run) {
    const int64_t begin = t.runs[run];
    for (int64_t at = begin; at < begin + t.steps * kStep; at += kStep) {
      V w[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) w[v] = weights(panel + v * kLanes * kStep);
      __builtin_prefetch(panel + kAhead);
      panel += vectors * kLanes * kStep;
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        const V all = each(x[r] + at);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sums[r][v] = dot(sums[r][v], all, w[v]);
      }
    }
  }
  const int64_t tail = t.cols - (vectors - 1) * kLanes;
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    int32_t* to = t.sums + (first + r) * t.sums_row;
#pragma GCC unroll 4
    for (int v = 0; v + 1 < vectors; ++v) store(to + v * kLanes, sums[r][v]);
    to += (vectors - 1) * kLanes;
    if (tail == kLanes) store(to, sums[r][vectors - 1]);
    else store_first(tail, to, sums[r][vectors - 1]);
  }
}

inline void store_channels(const DotTiles& t, int64_t row, const V (&sums)[kStep]) {
  int32_t* to = t.sums + row * t.sums_row;
#pragma GCC unroll 4
  for (int v = 0; v < kStep; ++v) {
    const int64_t left = t.cols - v * kLanes;
    if (left >= kLanes) store(to + v * kLanes, sums[v]);
    else if (left > 0) store_first(left, to + v * kLanes, sums[v]);
  }
}

template <int rows>
void depthwise_tile(const DotTiles& t, int64_t first) {
  V sums[rows][kStep];
  const Element* x[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    x[r] = reinterpret_cast<const Element*>(t.x) + t.x_at[first + r];
#pragma GCC unroll 4
    for (int v = 0; v < kStep; ++v)
      sums[r][v] = t.init == nullptr ? zero() : load(t.init + v * kLanes);
  }
  const int8_t* panel = t.panel;
  for (int64_t run = 0; run < t.run_count; run += kStep) {
    V w[kStep];
#pragma GCC unroll 4
    for (int v = 0; v < kStep; ++v) w[v] = weights(panel + v * kLanes * kStep);
    panel += kStep * kLanes * kStep;
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      V taps[kStep];
#pragma GCC unroll 4
      for (int k = 0; k < kStep; ++k) taps[k] = channels(x[r] + t.runs[run + k]);
      interleave(taps);
#pragma GCC unroll 4
      for (int v = 0; v < kStep; ++v) sums[r][v] = dot(sums[r][v], taps[v], w[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) store_channels(t, first + r, sums[r]);
}

// One pixel, or two neighbours.
template <int pixels>
void depthwise_neighbours(const DotTiles& t, int64_t row) {
  V sums[pixels][kStep];
#pragma GCC unroll 2
  for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < kStep; ++v)
      sums[p][v] = t.init == nullptr ? zero() : load(t.init + v * kLanes);
  const Element* x = reinterpret_cast<const Element*>(t.x) + t.x_at[row];
  const int8_t* panel = t.panel;
  for (int64_t run = 0; run < t.run_count; ++run) {
    V taps[kStep];
#pragma GCC unroll 4
    for (int k = 0; k < kStep; ++k) taps[k] = channels(x + t.runs[run] + k * t.steps);
    interleave(taps);
#pragma GCC unroll 4
    for (int v = 0; v < kStep; ++v) {
      const V w = weights(panel + v * kLanes * kStep);
      sums[0][v] = dot(sums[0][v], taps[v], w);
      if constexpr (pixels > 1) sums[1][v] = dot(sums[1][v], taps[v], one_later(w));
    }
    panel += kStep * kLanes * kStep;
  }
#pragma GCC unroll 2
  for (int p = 0; p < pixels; ++p) store_channels(t, row + p, sums[p]);
}

void depthwise_pairs(const DotTiles& t) {
  for (int64_t row = 0; row < t.rows;) {
    const bool pair = row + 1 < t.rows && t.x_at[row + 1] - t.x_at[row] == t.steps;
    if (pair) depthwise_neighbours<2>(t, row);
    else depthwise_neighbours<1>(t, row);
    row += pair ? 2 : 1;
  }
}

using Tile = void (*)(const DotTiles&, int64_t first);

// Cuts the rows into tiles as even as they can be; entry i has a tile of i + 1
// rows.
template <int most>
void run_tiles(const DotTiles& t, const Tile (&kTiles)[most]) {
  const int64_t tiles = (t.rows + most - 1) / most;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t first = i * t.rows / tiles;
    kTiles[(i + 1) * t.rows / tiles - first - 1](t, first);
  }
}

template <int vectors, int... r>
void run_dense(const DotTiles& t, std::integer_sequence<int, r...>) {
  static constexpr Tile kTiles[] = {&tile<r + 1, vectors>...};
  run_tiles(t, kTiles);
}
template <int... r>
void run_depthwise(const DotTiles& t, std::integer_sequence<int, r...>) {
  static constexpr Tile kTiles[] = {&depthwise_tile<r + 1>...};
  run_tiles(t, kTiles);
}

void tiles(const DotTiles& t) {
  if (t.cols > kLanes) run_dense<2>(t, std::make_integer_sequence<int, kRows>());
  else run_dense<1>(t, std::make_integer_sequence<int, kRows>());
}
void depthwise(const DotTiles& t) { run_depthwise(t, std::make_integer_sequence<int, kPixels>()); }

// The greatest of a number that is rounded: more than it is a byte's bound whatever the zero.
constexpr float kMost = 1 << 30;

// The bytes of a row that are added to those of sums, from `at` on.
inline V add_residual(const ResidualBytes& r, int64_t n, V bytes, int32_t zero, int64_t at) {
  const V mine = clamp(bytes, splat(r.low), splat(r.high));
  const V other =
      r.is_signed ? load_bytes<true>(n, r.other + at) : load_bytes<false>(n, r.other + at);
  const F x = plus(times(to_f32(add(mine, splat(-zero))), splat(r.scale)),
                   times(to_f32(add(other, splat(-r.other_zero))), splat(r.other_scale)));
  const float most = std::numeric_limits<float>::max();
  const F sum = clamp(x, splat(r.relu ? 0 : -most), splat(most));
  const F scaled = clamp(times(sum, splat(r.factor)), splat(-kMost), splat(kMost));
  return add(nearest(scaled), splat(r.zero));
}

// n lanes of a row, which begin at column `col` and, in the result, at `at`.
template <bool is_signed>
inline void requantise_lanes(const RequantisedBlock& b, int64_t n, const int32_t* sums, int64_t col,
                             int64_t at, F factor) {
  const bool whole = n >= kLanes;
  V v = whole ? load(sums + col) : load_first(n, sums + col);
  if (b.bias != nullptr) v = add(v, whole ? load(b.bias + col) : load_first(n, b.bias + col));
  if (b.has_factors) factor = whole ? load(b.factor + col) : load_first(n, b.factor + col);
  const F x = clamp(times(to_f32(v), factor), splat(b.relu ? 0 : -kMost), splat(kMost));
  V bytes = add(nearest(x), splat(b.zero));
  if (b.residual != nullptr) bytes = add_residual(*b.residual, n, bytes, b.zero, at);
  store_bytes<is_signed>(n, b.to + at, bytes);
}

// By value, so that the compiler need not read it again behind each byte that is written.
template <bool is_signed>
void requantise_as(const RequantisedBlock b) {
  const F factor = splat(b.factor[0]);
  for (int64_t row = 0; row < b.rows; ++row) {
    const int32_t* sums = b.sums + row * b.sums_row;
    const int64_t at = row * b.to_row;
    int64_t col = 0;
    for (; col + kLanes <= b.cols; col += kLanes)
      requantise_lanes<is_signed>(b, kLanes, sums, col, at + col, factor);
    if (col < b.cols) requantise_lanes<is_signed>(b, b.cols - col, sums, col, at + col, factor);
  }
}
void requantise(const RequantisedBlock& b) {
  if (b.is_signed) requantise_as<true>(b);
  else requantise_as<false>(b);
}

// The compiler makes vectors of them.
void stage_u8(std::byte* to, const uint8_t* from, int64_t n) {
  Element* out = reinterpret_cast<Element*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = from[i];
}
void stage_i8(std::byte* to, const int8_t* from, int64_t n) {
  Element* out = reinterpret_cast<Element*>(to);
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Element>(from[i] + kI8Offset);
}

constexpr DotFns kFns = {
    kLanes,        kVectors,  kStep,    sizeof(Element), kI8Offset,
    kLanes* kStep, false,     &tiles,   &depthwise,      kStep == 4 ? &depthwise_pairs : nullptr,
    &requantise,   &stage_u8, &stage_i8};

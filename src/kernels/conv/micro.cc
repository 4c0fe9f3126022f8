// The microkernels of conv.direct, once for each ISA level (see kernels/simd.h).
#include "kernels/conv/micro.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/conv/micro.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

constexpr int kLanes = HWY_MAX_BYTES / sizeof(float);
constexpr bool kWide = HWY_MAX_BYTES == 64;
// Accumulators fill the register file, but for one step of b and an element of a: 32 registers with
// AVX-512, 16 without. Each row also takes an address register, so that tiles have no more of them.
// Pixels are many where weights are gathered for, rows few where sums of weights are: there tiles
// may be wide.
constexpr int kGatherVectors = 2;
constexpr int kWeightVectors = kWide ? 4 : 2;
constexpr int kMaxRows[kWeightVectors + 1] = {0, kWide ? 12 : 8, kWide ? 12 : 6,
#if HWY_MAX_BYTES == 64
                                              8, 6
#endif
};

// Beside the accumulators, a tile of a line holds a row of the filter.
constexpr int kLineRows = kWide ? 8 : 4;

template <int vectors>
HWY_INLINE V load(const float* from, int v, M last) {
  const D d;
  return v + 1 < vectors ? hn::LoadU(d, from + v * kLanes)
                         : hn::MaskedLoad(last, d, from + v * kLanes);
}

#include "kernels/finish_simd.h"

// What a tile gathers: taps of many channels, taps of one channel, or each column its own channel.
enum class Gather { dense, single, depthwise };

// Calls f(row, vector) for all of a tile.
template <int rows, int vectors, class F>
HWY_INLINE void for_each(const F& f) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) f(r, v);
}

// One step of every chain of a tile: the rows' elements of a lie at a[r] + at.
template <int rows, int vectors, bool depthwise>
HWY_INLINE void step(V (&acc)[rows][vectors], const float* const (&a)[rows], int64_t at,
                     const V (&b)[vectors], M last) {
  const D d;
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    if constexpr (depthwise) {
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        acc[r][v] = hn::MulAdd(load<vectors>(a[r] + at, v, last), b[v], acc[r][v]);
    } else {
      const V each = hn::Set(d, a[r][at]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) acc[r][v] = hn::MulAdd(each, b[v], acc[r][v]);
    }
  }
}

// Where a tile's chains begin.
template <int rows, int vectors>
HWY_INLINE void begin_chains(V (&acc)[rows][vectors], const GatherTiles& g, int64_t first, M last) {
  for_each<rows, vectors>([&](int r, int v) HWY_ATTR { acc[r][v] = hn::Zero(D()); });
  if (!g.resume) return;
  const float* result = g.result;
  const int64_t* at = g.result_at + first;
  for_each<rows, vectors>([&](int r, int v)
                              HWY_ATTR { acc[r][v] = load<vectors>(result + at[r], v, last); });
}

// What becomes of them.
template <int rows, int vectors>
HWY_INLINE void end_chains(V (&acc)[rows][vectors], const GatherTiles& g, int64_t first, M last) {
  const D d;
  const int64_t* at = g.result_at + first;
  if (g.finish != nullptr)
    finish_tile(
        acc, *g.finish,
        [&](const float* from, int v) HWY_ATTR { return load<vectors>(from, v, last); },
        [&](const float* from, int r, int v)
            HWY_ATTR { return load<vectors>(from + at[r], v, last); });
  float* result = g.result;
  if (g.cols == vectors * kLanes)
    for_each<rows, vectors>(
        [&](int r, int v) HWY_ATTR { hn::StoreU(acc[r][v], d, result + at[r] + v * kLanes); });
  else
    for_each<rows, vectors>([&](int r, int v) HWY_ATTR {
      if (v + 1 < vectors) hn::StoreU(acc[r][v], d, result + at[r] + v * kLanes);
      else hn::BlendedStore(acc[r][v], last, d, result + at[r] + v * kLanes);
    });
}

// The first tiles of a panel fetch the weights that are read after it, a line of the caches at each
// step, to L2: L1 is full of what is read now. The others fetch what is there already.
template <int vectors>
HWY_INLINE const float* ahead_of(const GatherTiles& g, int64_t first) {
  const int64_t steps = g.tap_count * (g.end - g.begin), most = kMaxRows[vectors];
  return first < vectors * most ? g.ahead + first * steps / most * kLanes : g.panel;
}

template <int rows, int vectors, Gather kind>
void gather_tile(const GatherTiles& g, int64_t first) {
  const D d;
  const M last = hn::FirstN(d, static_cast<size_t>(g.cols - (vectors - 1) * kLanes));
  V acc[rows][vectors];
  begin_chains(acc, g, first, last);
  const float* a[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) a[r] = g.source + g.source_at[first + r];
  const auto load_b = [&](V(&b)[vectors], const float* panel) HWY_ATTR {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) b[v] = hn::LoadU(d, panel + v * kLanes);
  };
  [[maybe_unused]] const float* ahead = ahead_of<vectors>(g, first);
  for (const Tap* tap = g.taps; tap != g.taps + g.tap_count; ++tap) {
    if constexpr (kind == Gather::dense) {
      const float* panel = g.panel + (tap->block * g.depth + g.begin) * (vectors * kLanes);
      const int64_t end = tap->source + g.end;
      for (int64_t at = tap->source + g.begin; at < end; ++at) {
        V b[vectors];
        load_b(b, panel);
        __builtin_prefetch(ahead, 0, 2);
        step<rows, vectors, false>(acc, a, at, b, last);
        panel += vectors * kLanes;
        ahead += kLanes;
      }
    } else {
      V b[vectors];
      load_b(b, g.panel + tap->block * (vectors * kLanes));
      step<rows, vectors, kind == Gather::depthwise>(acc, a, tap->source, b, last);
    }
  }
  end_chains(acc, g, first, last);
}

// A line of tiles.
struct Line {
  const LineTiles& tiles;
  int64_t begin;  // its first pixel
};

template <int rows, int vectors, int width, int stride>
void line_tile(const Line& line, int64_t first) {
  const D d;
  const LineTiles& lines = line.tiles;
  const GatherTiles& g = lines.gather;
  const M last = hn::FirstN(d, static_cast<size_t>(g.cols - (vectors - 1) * kLanes));
  constexpr int inputs = (rows - 1) * stride + width;
  // Places of padding among the inputs: the first and the last ones.
  const int64_t before = lines.pad - (first - line.begin) * stride;
  const int64_t end = lines.columns + before;
  const int64_t step = lines.step;
  V acc[rows][vectors];
  begin_chains(acc, g, first, last);
  for (const Tap* tap = g.taps; tap != g.taps + g.tap_count; tap += width) {
    const float* panel = g.panel + tap->block * (vectors * kLanes);
    const float* source = g.source + (g.source_at[first] + tap->source);
    V b[width][vectors];
#pragma GCC unroll 5
    for (int k = 0; k < width; ++k)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) b[k][v] = hn::LoadU(d, panel + (k * vectors + v) * kLanes);
#pragma GCC unroll 32
    for (int i = 0; i < inputs; ++i) {
      if (i < width - 1 && i < before) continue;
      if (i > inputs - width && i >= end) continue;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) {
        const V x = load<vectors>(source + i * step, v, last);
#pragma GCC unroll 5
        for (int k = 0; k < width; ++k) {
          const int r = (i - k) / stride;
          if (i >= k && r * stride == i - k && r < rows)
            acc[r][v] = hn::MulAdd(x, b[k][v], acc[r][v]);
        }
      }
    }
  }
  end_chains(acc, g, first, last);
}

template <int rows, int vectors, bool depthwise>
void weight_tile(const WeightTiles& g, int64_t first) {
  const D d;
  const M last = hn::FirstN(d, static_cast<size_t>(g.cols - (vectors - 1) * kLanes));
  const WeightRow* row = g.row + first;
  V acc[rows][vectors];
  const float* a[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    a[r] = g.x + (g.x_at + row[r].x_at);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      acc[r][v] = hn::LoadU(d, g.sums + row[r].sums_at + v * kLanes);
  }
  const int64_t x_pixel = g.x_pixel;
  const int64_t dy_pixel = g.dy_pixel;
  for (int64_t sample = 0; sample < g.samples; ++sample)
    for (int64_t line = 0; line < g.lines; ++line) {
      const float* dy = g.dy + (sample * g.dy_sample + line * g.dy_line);
      int64_t at = sample * g.x_sample + line * g.x_line;
      for (int64_t p = g.pixels; p > 0; --p) {
        V b[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) b[v] = load<vectors>(dy, v, last);
        step<rows, vectors, depthwise>(acc, a, at, b, last);
        at += x_pixel;
        dy += dy_pixel;
      }
    }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      hn::StoreU(acc[r][v], d, g.sums + row[r].sums_at + v * kLanes);
}

template <class Tiles>
using TileFn = void (*)(const Tiles&, int64_t first);

// Cuts `rows`, from `begin` on, into tiles as even as they can be.
template <class Tiles, size_t max_rows>
void run_tiles(const std::array<TileFn<Tiles>, max_rows>& fns, const Tiles& g, int64_t rows,
               int64_t begin = 0) {
  const int64_t most = max_rows;
  const int64_t tiles = (rows + most - 1) / most;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t first = i * rows / tiles;
    fns[static_cast<size_t>((i + 1) * rows / tiles - first - 1)](g, begin + first);
  }
}

template <int vectors>
using Rows = std::make_integer_sequence<int, kMaxRows[vectors]>;

template <int vectors, Gather kind, int... r>
constexpr auto gather_tiles(std::integer_sequence<int, r...>) {
  return std::array<TileFn<GatherTiles>, sizeof...(r)>{&gather_tile<r + 1, vectors, kind>...};
}
template <int vectors, int width, int stride, int... r>
constexpr auto line_tiles(std::integer_sequence<int, r...>) {
  return std::array<TileFn<Line>, sizeof...(r)>{&line_tile<r + 1, vectors, width, stride>...};
}
template <int vectors, bool depthwise, int... r>
constexpr auto weight_tiles(std::integer_sequence<int, r...>) {
  return std::array<TileFn<WeightTiles>, sizeof...(r)>{&weight_tile<r + 1, vectors, depthwise>...};
}

// Calls f with the number of vectors of a panel, at most `most`, as a compile-time constant.
template <int most, class F>
void with_vectors(int64_t cols, F&& f) {
  if constexpr (most > 1) {
    if (cols <= (most - 1) * kLanes) return with_vectors<most - 1>(cols, f);
  }
  f(std::integral_constant<int, most>{});
}

template <Gather kind>
void run_gather(const GatherTiles& g) {
  with_vectors<kGatherVectors>(g.cols, [&](auto vectors) HWY_ATTR {
    static constexpr auto kTiles = gather_tiles<vectors(), kind>(Rows<vectors()>{});
    run_tiles(kTiles, g, g.pixels);
  });
}

void gather(const GatherTiles& g) {
  if (g.depth == 1) run_gather<Gather::single>(g);
  else run_gather<Gather::dense>(g);
}
void gather_depthwise(const GatherTiles& g) { run_gather<Gather::depthwise>(g); }

template <int width, int stride>
void run_lines(const LineTiles& lines) {
  with_vectors<kGatherVectors>(lines.gather.cols, [&](auto vectors) HWY_ATTR {
    static constexpr auto kTiles =
        line_tiles<vectors(), width, stride>(std::make_integer_sequence<int, kLineRows>{});
    for (int64_t begin = 0; begin < lines.gather.pixels; begin += lines.line)
      run_tiles(kTiles, {lines, begin}, lines.line, begin);
  });
}

void line_depthwise(const LineTiles& lines) {
  if (lines.width == 3) lines.stride == 1 ? run_lines<3, 1>(lines) : run_lines<3, 2>(lines);
  else lines.stride == 1 ? run_lines<5, 1>(lines) : run_lines<5, 2>(lines);
}

template <bool depthwise>
void weight(const WeightTiles& g) {
  with_vectors<kWeightVectors>(g.cols, [&](auto vectors) HWY_ATTR {
    static constexpr auto kTiles = weight_tiles<vectors(), depthwise>(Rows<vectors()>{});
    run_tiles(kTiles, g, g.rows);
  });
}

}  // namespace

constexpr ConvFns kFns = {kLanes,         kGatherVectors,    kWeightVectors,
                          &gather,        &gather_depthwise, &line_depthwise,
                          &weight<false>, &weight<true>};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
const ConvFns& conv_fns(Isa isa) { return HONE_FOR_ISA(isa, kFns); }
}  // namespace hone::kernels
#endif

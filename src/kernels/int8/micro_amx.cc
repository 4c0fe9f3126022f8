// Tiles of 16 x 16 sums in AMX's registers: two groups of 16 rows times two of 16 columns. Where
// the rows lie evenly in x a tile is loaded from there, else from a copy of the rows' step.
//
// A run is cut into equal steps of at most 64 elements. What does not suit (few rows, runs that
// cannot be cut) is left to the dot products of avx512vnni, which also do what is depthwise.
#include <immintrin.h>

#include <algorithm>

#include "kernels/int8/levels.h"

#include <hwy/base.h>

HWY_PUSH_ATTRIBUTES("avx,avx2,avx512f,avx512bw,avx512vl,amx-tile,amx-int8")
namespace hone::kernels::int8_amx {
namespace {

constexpr int64_t kRows = 16, kLanes = 16, kStep = 4, kMostSteps = 16, kLeastSteps = 3;

// The compiler does not know that the instructions of tiles read and write memory.
inline void fence() { __asm__ volatile("" ::: "memory"); }

/// What ldtilecfg reads.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes[16] = {};  // of a row
  uint8_t rows[16] = {};
};

// The steps for which this thread has configured its registers; 0 outside a part. It takes as long
// as some tiles.
thread_local int64_t configured = 0;

// Registers 0 to 3 hold sums, 4 and 5 rows of x, 6 and 7 weights.
void configure(int64_t steps) {
  if (steps == configured) return;
  configured = steps;
  TileConfig config;
  for (int i = 0; i < 8; ++i) {
    config.bytes[i] = static_cast<uint16_t>(i == 4 || i == 5 ? steps * kStep : 64);
    config.rows[i] = static_cast<uint8_t>(i >= 6 ? steps : kRows);
  }
  fence();
  _tile_loadconfig(&config);
}

// The most steps that a run's are a multiple of and a register holds; 0 if they are too few.
int64_t steps_at_once(int64_t steps) {
  for (int64_t s = std::min(steps, kMostSteps); s >= std::min(steps, kLeastSteps); --s)
    if (s > 0 && steps % s == 0) return s;
  return 0;
}

/// Sixteen rows of x.
class Rows {
 public:
  Rows(const DotTiles& t, int64_t first, int64_t steps)
      : x_(reinterpret_cast<const uint8_t*>(t.x)),
        at_(t.x_at + first),
        pitch_(t.x_row != 0 ? t.x_row : at_[1] - at_[0]),
        mask_(~__mmask64{0} >> (64 - steps * kStep)) {
    for (int64_t r = 2; t.x_row == 0 && r < kRows; ++r)
      is_even_ = is_even_ && at_[r] - at_[r - 1] == pitch_;
  }

  /// Where the rows' elements from `at` on are, `pitch()` apart.
  const uint8_t* elements(int64_t at) {
    if (is_even_) return x_ + at_[0] + at;
    for (int64_t r = 0; r < kRows; ++r)
      _mm512_store_si512(copy_ + r * 64, _mm512_maskz_loadu_epi8(mask_, x_ + at_[r] + at));
    fence();
    return copy_;
  }
  int64_t pitch() const { return is_even_ ? pitch_ : 64; }

 private:
  const uint8_t* x_;
  const int64_t* at_;
  int64_t pitch_;
  __mmask64 mask_;
  bool is_even_ = true;
  alignas(64) uint8_t copy_[kRows * 64];
};

// The names of registers are literals.
template <int tile>
void zero_sums() {
  if constexpr (tile == 0) _tile_zero(0);
  else if constexpr (tile == 1) _tile_zero(1);
  else if constexpr (tile == 2) _tile_zero(2);
  else _tile_zero(3);
}
template <int tile>
void load_sums(const int32_t* from, int64_t pitch) {
  fence();
  if constexpr (tile == 0) _tile_loadd(0, from, pitch);
  else if constexpr (tile == 1) _tile_loadd(1, from, pitch);
  else if constexpr (tile == 2) _tile_loadd(2, from, pitch);
  else _tile_loadd(3, from, pitch);
}
template <int tile>
void store_sums(int32_t* to, int64_t pitch) {
  if constexpr (tile == 0) _tile_stored(0, to, pitch);
  else if constexpr (tile == 1) _tile_stored(1, to, pitch);
  else if constexpr (tile == 2) _tile_stored(2, to, pitch);
  else _tile_stored(3, to, pitch);
  fence();
}

template <int tile>
void begin(const int32_t* init) {
  if (init == nullptr) zero_sums<tile>();
  else load_sums<tile>(init, 0);
}

template <int tile>
void end(const DotTiles& t, int64_t row, int64_t col) {
  int32_t* to = t.sums + row * t.sums_row + col;
  if (t.cols - col >= kLanes) return store_sums<tile>(to, t.sums_row * 4);
  alignas(64) int32_t sums[kRows * kLanes];
  store_sums<tile>(sums, kLanes * 4);
  const auto mask = static_cast<__mmask16>((1u << (t.cols - col)) - 1);
  for (int64_t r = 0; r < kRows; ++r)
    _mm512_mask_storeu_epi32(to + r * t.sums_row, mask, _mm512_load_si512(sums + r * kLanes));
}

template <int groups, int vectors>
void block(const DotTiles& t, int64_t first, int64_t second, int64_t steps) {
  const int32_t* init1 = t.init == nullptr ? nullptr : t.init + kLanes;
  begin<0>(t.init);
  if constexpr (vectors > 1) begin<1>(init1);
  if constexpr (groups > 1) begin<2>(t.init);
  if constexpr (groups > 1 && vectors > 1) begin<3>(init1);
  Rows x0(t, first, steps), x1(t, second, steps);
  const int8_t* panel = static_cast<const int8_t*>(t.panel);
  for (int64_t run = 0; run < t.run_count; ++run)
    for (int64_t s = 0; s < t.steps; s += steps) {
      const int64_t at = t.runs[run] + s * kStep;
      _tile_loadd(6, panel, vectors * 64);
      _tile_loadd(4, x0.elements(at), x0.pitch());
      _tile_dpbusd(0, 4, 6);
      if constexpr (groups > 1) {
        _tile_loadd(5, x1.elements(at), x1.pitch());
        _tile_dpbusd(2, 5, 6);
      }
      if constexpr (vectors > 1) {
        _tile_loadd(7, panel + 64, vectors * 64);
        _tile_dpbusd(1, 4, 7);
        if constexpr (groups > 1) _tile_dpbusd(3, 5, 7);
      }
      panel += steps * vectors * 64;
    }
  end<0>(t, first, 0);
  if constexpr (vectors > 1) end<1>(t, first, kLanes);
  if constexpr (groups > 1) end<2>(t, second, 0);
  if constexpr (groups > 1 && vectors > 1) end<3>(t, second, kLanes);
}

// The last group begins early enough to have all its rows: some are computed twice.
template <int vectors>
void run_blocks(const DotTiles& t, int64_t steps) {
  const int64_t last = t.rows - kRows;
  for (int64_t row = 0; row < t.rows; row += 2 * kRows) {
    const int64_t first = std::min(row, last), second = std::min(row + kRows, last);
    if (row + kRows < t.rows) block<2, vectors>(t, first, second, steps);
    else block<1, vectors>(t, first, first, steps);
  }
}

}  // namespace

void tiles(const DotTiles& t) {
  const int64_t steps = t.rows < kRows ? 0 : steps_at_once(t.steps);
  if (steps == 0) return int8_avx512vnni::fns.tiles(t);
  configure(steps);
  if (t.cols > kLanes) run_blocks<2>(t, steps);
  else run_blocks<1>(t, steps);
}

void release() {
  if (configured != 0) _tile_release();
  configured = 0;
}

}  // namespace hone::kernels::int8_amx
HWY_POP_ATTRIBUTES

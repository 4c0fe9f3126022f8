// "winograd" of winograd_conv2d: the inputs of each tile at all points, one product of matrices for
// each point, and the outputs.
//
// The result is cut into blocks, which are the items of the parallel loop: lines of tiles, across
// samples. A block transforms its inputs, multiplies them panel by panel and makes the outputs, all
// in its L2 cache. Filters that are too many for that cache are better read by fewer and larger
// blocks. Then the image is taken in rounds of so many lines that their inputs at the points stay
// in L2; in a round the threads share the inputs, which are transformed first, and each multiplies
// panels of its own. An epilogue is applied to the outputs in registers (kernels/finish.h), or runs
// in place on a block that is done.
#include <algorithm>
#include <optional>

#include "ir/infer.h"
#include "kernels/blocks.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/finish.h"
#include "kernels/gemm/micro.h"
#include "kernels/line_kernel.h"
#include "kernels/panels.h"
#include "kernels/winograd/micro.h"
#include "kernels/winograd/winograd.h"

namespace hone::kernels {
namespace {

constexpr int64_t kAlignedFloats = 16;               // 64 bytes
constexpr int64_t kHeavyFilters = int64_t{1} << 18;  // floats: half of an L2 cache
constexpr int64_t kBlockFloats = int64_t{1} << 16;   // of inputs at the points, of a block...
constexpr int64_t kRoundFloats = 300000;             // ... and of a round
constexpr int64_t kBlockTiles = 96, kBlockCols = 256;
constexpr int64_t kChunk = 384;                    // steps of the chain
constexpr int64_t kBlocksPerThread = 6;            // at least, to share them out evenly...
constexpr int64_t kLeastBlock = int64_t{1} << 17;  // ... unless a block would have fewer FMAs

// The values [points, c, o] of the filters: a tap is a point.
ir::PanelFormat winograd_panels(const Shape& filter, Isa isa) {
  const GemmFns& fns = gemm_fns(isa);
  const int64_t in = filter[1], out = filter[2];
  return {filter,   {1, 0},    {filter[0], in * out},   {in, out},
          {out, 1}, fns.lanes, fns.max_cols / fns.lanes};
}

// So that the same place of several arrays does not meet in one set of a cache.
int64_t apart(int64_t floats) {
  const int64_t lines = ceil_div(floats, kAlignedFloats);
  return (lines | 1) * kAlignedFloats;
}

class WinogradConv final : public Kernel, public LineKernel {
 public:
  explicit WinogradConv(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override {
    const int64_t values = (shares_ ? 1 : threads_) * values_floats_;
    return (packed_floats_ + values + threads_ * scratch_floats_) * int64_t{sizeof(float)};
  }

  /// For a chain, filters must lie as they are read, and be few enough for every block to read.
  const LineKernel* lines() const override { return packs_ || shares_ ? nullptr : this; }
  Lines whole(Lines lines) const override;
  Lines reads(Lines lines) const override;
  int64_t line_scratch_bytes() const override {
    return (values_floats_ + scratch_floats_) * int64_t{sizeof(float)};
  }
  void run_lines(const Call& call, Lines lines) const noexcept override;

 private:
  struct Panels {
    int64_t begin, end;
  };
  /// What one worker needs.
  struct Scratch {
    float* products;  ///< of some tiles for one panel; or the pixels of a tile at the image's edge
    std::byte* epilogue;
  };

  Scratch scratch_of(float* all, int worker) const;
  /// The lines of tiles, counted like lines, that lines of the result are.
  Lines tiles_of(Lines lines) const {
    const int64_t sample = lines.begin / d_.oh, top = sample * d_.oh;
    return {sample * down_ + (lines.begin - top) / tile_,
            sample * down_ + ceil_div(lines.end - top, tile_)};
  }
  void in_rounds(const Call& call, const float* weights, float* values) const;
  void block_of(const Call& call, Lines lines, Panels panels, const float* weights, float* values,
                const Scratch& scratch) const;
  void in_blocks(const Call& call, const float* weights, float* values) const;
  void transform(int64_t line, const float* source, float* values, float* patch) const;
  void multiply(const ir::PanelFormat::Columns& columns, int64_t tiles, const float* weights,
                const float* values, float* products) const;
  void block(const Call& call, Lines lines, Panels panels, const float* weights,
             const float* values, const Scratch& scratch) const;

  const WinogradFns& fns_;
  const GemmFns& gemm_;
  Isa isa_;
  int64_t threads_;
  ir::ConvDims d_;
  ir::PanelFormat format_;
  int64_t tile_, side_, points_;  // outputs and inputs along a tile's side, and all points
  int64_t across_, down_;         // tiles
  int64_t pitch_;                 // of a tile's channels at one point
  bool shares_;                   // the inputs at the points, in rounds
  int64_t round_lines_, point_step_;
  int64_t block_lines_ = 1, block_panels_ = 1;
  bool packs_;
  std::optional<Finish> finish_;
  std::optional<TileProgram> epilogue_;
  int64_t packed_floats_, values_floats_, products_floats_, scratch_floats_;
};

WinogradConv::WinogradConv(const Problem& problem)
    : fns_(winograd_fns(problem.isa, problem.attrs().integer("tile"))),
      gemm_(gemm_fns(problem.isa)),
      isa_(problem.isa),
      threads_(problem.threads),
      d_(ir::winograd_dims(problem.operands[0].shape, problem.operands[1].shape, problem.attrs())),
      format_(winograd_panels(problem.operands[1].shape, problem.isa)),
      tile_(problem.attrs().integer("tile")),
      side_(tile_ + 2),
      points_(side_ * side_),
      across_(ceil_div(d_.ow, tile_)),
      down_(ceil_div(d_.oh, tile_)),
      pitch_(round_up(d_.c, fns_.lanes)) {
  finish_ = Finish::of(problem);
  if (!finish_) epilogue_ = TileProgram::epilogue_of(problem);
  packs_ = !problem.panels && !format_.is_plain();
  packed_floats_ = packs_ ? round_up(format_.elements(), kAlignedFloats) : 0;

  shares_ = format_.elements() > kHeavyFilters;
  const int64_t lines = std::max<int64_t>(1, d_.n * down_);
  const int64_t line_floats = std::max<int64_t>(1, across_ * points_ * pitch_);
  const int64_t fitting =
      std::max<int64_t>(1, (shares_ ? kRoundFloats : kBlockFloats) / line_floats);
  round_lines_ = shares_ ? ceil_div(lines, ceil_div(lines, fitting)) : lines;

  const int64_t panel_cols = format_.max_vectors * format_.lanes;
  const int64_t most = kBlockTiles / std::max<int64_t>(1, across_);
  Side of_lines = Side::of(round_lines_, std::min(most, fitting));
  // A block that transforms its own inputs takes all panels, unless there are too few lines.
  Side of_panels = Side::of(format_.panels(), shares_ ? kBlockCols / panel_cols : format_.panels());
  const int64_t enough = threads_ > 1 ? kBlocksPerThread * threads_ : 1;
  cut_blocks(of_panels, of_lines, 1, round_lines_ * across_ * points_ * d_.c * d_.o,
             {enough, kLeastBlock}, [&] { return shares_; });
  block_lines_ = of_lines.block;
  block_panels_ = of_panels.block;
  point_step_ = apart((shares_ ? round_lines_ : block_lines_) * across_ * pitch_);
  values_floats_ = points_ * point_step_;

  const int64_t tiles = std::min(kBlockTiles, block_lines_ * across_);
  products_floats_ = std::max(points_ * apart(tiles * panel_cols), points_ * d_.c);
  products_floats_ = round_up(products_floats_, kAlignedFloats);
  scratch_floats_ = products_floats_;
  if (epilogue_)
    scratch_floats_ +=
        round_up(ceil_div(epilogue_->scratch_bytes(), sizeof(float)), kAlignedFloats);
}

// The inputs of a line of tiles at the points; of a tile that reaches over the image's edge from a
// copy with zeros around.
void WinogradConv::transform(int64_t line, const float* source, float* values, float* patch) const {
  const int64_t n = line / down_, top = line % down_ * tile_ - d_.pad_top;
  const float* image = source + n * d_.h * d_.w * d_.c;
  for (int64_t i = 0; i < across_; ++i, values += pitch_) {
    const int64_t left = i * tile_ - d_.pad_left;
    InputTile tile{nullptr, d_.w * d_.c, d_.c, d_.c, values, point_step_};
    if (top >= 0 && left >= 0 && top + side_ <= d_.h && left + side_ <= d_.w) {
      tile.source = image + (top * d_.w + left) * d_.c;
    } else {
      std::fill_n(patch, points_ * d_.c, 0.0F);
      const int64_t first = std::max<int64_t>(0, -left);
      const int64_t end = std::min(side_, d_.w - left);
      for (int64_t h = std::max<int64_t>(0, -top); h < std::min(side_, d_.h - top); ++h)
        if (first < end)
          std::copy_n(image + ((top + h) * d_.w + left + first) * d_.c, (end - first) * d_.c,
                      patch + (h * side_ + first) * d_.c);
      tile.source = patch;
      tile.line_step = side_ * d_.c;
    }
    fns_.input(tile);
  }
}

// The products of so many tiles for one panel, at all points.
void WinogradConv::multiply(const ir::PanelFormat::Columns& columns, int64_t tiles,
                            const float* weights, const float* values, float* products) const {
  const int64_t strips = ceil_div(tiles, gemm_.max_rows);
  const int64_t product_step = apart(tiles * columns.pitch);
  for (int64_t p = 0; p < points_; ++p) {
    const float* panel = weights + format_.offset(0, columns) + p * d_.c * columns.pitch;
    int64_t step = 0;
    do {
      const int64_t depth = std::min(kChunk, d_.c - step);
      for (int64_t s = 0; s < strips; ++s) {
        const int64_t row = s * tiles / strips, rows = (s + 1) * tiles / strips - row;
        gemm_.tile(rows, {values + p * point_step_ + row * pitch_ + step, pitch_, 1,
                          panel + step * columns.pitch, columns.pitch, depth,
                          products + p * product_step + row * columns.pitch, columns.pitch,
                          columns.pitch, step > 0 ? Chain::resume : Chain::fresh});
      }
      step += kChunk;
    } while (step < d_.c);
  }
}

void WinogradConv::block(const Call& call, Lines lines, Panels panels, const float* weights,
                         const float* values, const Scratch& scratch) const {
  float* result = call.results[0].as<float>();
  const int64_t first = lines.begin * across_, end = lines.end * across_;
  for (int64_t p = panels.begin; p < panels.end; ++p) {
    const ir::PanelFormat::Columns columns = format_.columns(p);
    for (int64_t begin = first; begin < end; begin += kBlockTiles) {
      const int64_t tiles = std::min(kBlockTiles, end - begin);
      const int64_t product_step = apart(tiles * columns.pitch);
      multiply(columns, tiles, weights, values + (begin - first) * pitch_, scratch.products);
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t line = (begin + i) / across_, w = (begin + i) % across_ * tile_;
        const int64_t n = line / down_, h = line % down_ * tile_;
        const int64_t at = ((n * d_.oh + h) * d_.ow + w) * d_.o + columns.begin;
        std::optional<FinishTile> finish;
        if (finish_) finish = finish_->tile(call, columns.begin, at);
        fns_.output({scratch.products + i * columns.pitch, product_step, result + at, d_.ow * d_.o,
                     d_.o, std::min(tile_, d_.oh - h), std::min(tile_, d_.ow - w), columns.size,
                     finish ? &*finish : nullptr});
      }
    }
  }
  if (!epilogue_) return;
  const auto pixels = [&](int64_t line) {
    return (line / down_ * d_.oh + line % down_ * tile_) * d_.ow;
  };
  const int64_t row = pixels(lines.begin), col = format_.columns(panels.begin).begin;
  const ir::PanelFormat::Columns last = format_.columns(panels.end - 1);
  const Accumulator sums{result + row * d_.o + col, d_.o};
  epilogue_->run({row, pixels(lines.end) - row, col, last.begin + last.size - col},
                 call.operands.subspan(2), call.results, scratch.epilogue, &sums);
}

void WinogradConv::run(const Call& call) const noexcept {
  const float* weights = call.operands[1].as<float>();
  float* packed = reinterpret_cast<float*>(call.workspace);
  float* values = packed + packed_floats_;
  if (packs_) {
    pack_panels(format_, weights, {0, points_}, isa_, call.pool, packed);
    weights = packed;
  }
  if (shares_) in_rounds(call, weights, values);
  else in_blocks(call, weights, values);
}

WinogradConv::Scratch WinogradConv::scratch_of(float* all, int worker) const {
  float* own = all + worker * scratch_floats_;
  return {own, reinterpret_cast<std::byte*>(own + products_floats_)};
}

void WinogradConv::in_blocks(const Call& call, const float* weights, float* values) const {
  const int64_t lines = d_.n * down_, panels = ceil_div(format_.panels(), block_panels_);
  call.pool->run(ceil_div(lines, block_lines_) * panels, [&](int64_t item, int worker) {
    const Scratch scratch = scratch_of(values + threads_ * values_floats_, worker);
    float* own = values + worker * values_floats_;
    const int64_t line = item / panels * block_lines_, panel = item % panels * block_panels_;
    block_of(call, {line, std::min(lines, line + block_lines_)},
             {panel, std::min(format_.panels(), panel + block_panels_)}, weights, own, scratch);
  });
}

// A block that transforms its own inputs.
void WinogradConv::block_of(const Call& call, Lines lines, Panels panels, const float* weights,
                            float* values, const Scratch& scratch) const {
  for (int64_t i = lines.begin; i < lines.end; ++i)
    transform(i, call.operands[0].as<float>(), values + (i - lines.begin) * across_ * pitch_,
              scratch.products);
  block(call, lines, panels, weights, values, scratch);
}

Lines WinogradConv::whole(Lines lines) const {
  const int64_t top = lines.begin / d_.oh * d_.oh;
  return {top + (lines.begin - top) / tile_ * tile_,
          top + std::min(d_.oh, round_up(lines.end - top, tile_))};
}

Lines WinogradConv::reads(Lines lines) const {
  const int64_t sample = lines.begin / d_.oh, top = sample * d_.oh;
  const Lines all = whole(lines);
  const auto clip = [&](int64_t line) { return std::clamp<int64_t>(line, 0, d_.h); };
  return {sample * d_.h + clip(all.begin - top - d_.pad_top),
          sample * d_.h + clip(all.end - top - d_.pad_top + 2)};
}

void WinogradConv::run_lines(const Call& call, Lines lines) const noexcept {
  float* values = reinterpret_cast<float*>(call.workspace);
  const Lines all = tiles_of(lines);
  for (int64_t i = all.begin; i < all.end; i += block_lines_)
    block_of(call, {i, std::min(all.end, i + block_lines_)}, {0, format_.panels()},
             call.operands[1].as<float>(), values, scratch_of(values + values_floats_, 0));
}

void WinogradConv::in_rounds(const Call& call, const float* weights, float* values) const {
  const int64_t lines = d_.n * down_, panels = ceil_div(format_.panels(), block_panels_);
  for (int64_t first = 0; first < lines; first += round_lines_) {
    const int64_t count = std::min(round_lines_, lines - first);
    call.pool->run(count, [&](int64_t i, int worker) {
      transform(first + i, call.operands[0].as<float>(), values + i * across_ * pitch_,
                scratch_of(values + values_floats_, worker).products);
    });
    call.pool->run(ceil_div(count, block_lines_) * panels, [&](int64_t item, int worker) {
      const int64_t line = item / panels * block_lines_, panel = item % panels * block_panels_;
      block(call, {first + line, first + std::min(count, line + block_lines_)},
            {panel, std::min(format_.panels(), panel + block_panels_)}, weights,
            values + line * across_ * pitch_, scratch_of(values + values_floats_, worker));
    });
  }
}

}  // namespace

std::string refuse_winograd(const Problem& problem) {
  if (problem.operands[0].dtype != DType::f32) return "operands are not f32";
  if (problem.attrs().get<std::string>("layout") != "nhwc") return "layout is not nhwc";
  return TileProgram::refuse_epilogue(problem);
}

std::unique_ptr<Kernel> make_winograd(const Problem& problem) {
  return std::make_unique<WinogradConv>(problem);
}

std::optional<ir::PanelFormat> wanted_winograd_panels(const ir::Node&, const TensorType& filter,
                                                      Isa isa) {
  const ir::PanelFormat format = winograd_panels(filter.shape, isa);
  if (format.is_plain()) return {};
  return format;
}

}  // namespace hone::kernels

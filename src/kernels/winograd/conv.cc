// "winograd" of winograd_conv2d: the inputs of each tile at all points, one product of matrices for
// each point, and the outputs.
//
// The result is cut into blocks, which are the items of the parallel loop: lines of tiles, across
// samples. A block transforms its inputs, multiplies them panel by panel and makes the outputs, all
// in its L2 cache; of few tiles, a block has all, and some of the panels. Filters that are too many
// for that cache are better read by fewer and larger blocks. Then the image is taken in rounds of
// so many lines that their inputs at the points stay in L2; in a round the threads share the
// inputs, which are transformed first, and each multiplies panels of its own. What is computed in,
// and what becomes of the sums of a block, arithmetic.h says.
#include <algorithm>
#include <optional>

#include "base/dtype.h"
#include "ir/infer.h"
#include "kernels/blocks.h"
#include "kernels/line_kernel.h"
#include "kernels/winograd/arithmetic.h"
#include "kernels/winograd/winograd.h"

namespace hone::kernels {
namespace {

constexpr int64_t kLine = 64;                        // bytes of a line of a cache
constexpr int64_t kHeavyFilters = int64_t{1} << 20;  // bytes: half of an L2 cache
constexpr int64_t kBlockBytes = int64_t{1} << 18;    // of inputs at the points, of a block...
constexpr int64_t kRoundBytes = 1200000;             // ... and of a round
constexpr int64_t kBlockCols = 256;
constexpr int64_t kBlocksPerThread = 6;            // at least, to share them out evenly...
constexpr int64_t kLeastBlock = int64_t{1} << 17;  // ... unless a block would have fewer FMAs
// So few tiles are cut by the filters first. Each block then transforms all inputs, so that it has
// to have more FMAs to pay for them.
constexpr int64_t kFewTiles = 16;
constexpr int64_t kLeastOfFew = int64_t{3} << 17;

// So many elements, filled up so that the same place of several arrays does not meet in one set of
// a cache.
template <class T>
int64_t apart(int64_t elements) {
  const int64_t lines = ceil_div(elements * int64_t{sizeof(T)}, kLine);
  return (lines | 1) * kLine / int64_t{sizeof(T)};
}

template <class Arithmetic>
class WinogradConv final : public Kernel, public LineKernel {
 public:
  explicit WinogradConv(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override {
    return packed_bytes_ + values_bytes_ - own_values_bytes();
  }
  int64_t scratch_bytes() const override {
    return own_values_bytes() + products_bytes_ + sums_bytes_ + arithmetic_.scratch_bytes();
  }

  /// For a chain, filters must lie as they are read, and be few enough for every block to read.
  const LineKernel* lines() const override { return packs_ || shares_ ? nullptr : this; }
  Lines whole(Lines lines) const override;
  Lines reads(Lines lines) const override;
  int64_t line_scratch_bytes() const override { return scratch_bytes(); }
  void run_lines(const Call& call, Lines lines) const noexcept override;

 private:
  using Pixel = typename Arithmetic::Pixel;
  using Value = typename Arithmetic::Value;
  using Sum = typename Arithmetic::Sum;
  struct Panels {
    int64_t begin, end;
  };
  /// What one worker needs.
  struct Scratch {
    Value* values;  ///< a block's inputs at the points, unless all workers share them
    Sum* products;  ///< of some tiles for one panel
    Pixel* patch;   ///< the same memory: the pixels of a tile at the image's edge
    Sum* sums;      ///< of a block
    std::byte* epilogue;
  };

  int64_t own_values_bytes() const { return shares_ ? 0 : values_bytes_; }
  Scratch scratch_at(std::byte* memory) const;
  /// The lines of tiles, counted like lines, that lines of the result are.
  Lines tiles_of(Lines lines) const {
    const int64_t sample = lines.begin / d_.oh, top = sample * d_.oh;
    return {sample * down_ + (lines.begin - top) / tile_,
            sample * down_ + ceil_div(lines.end - top, tile_)};
  }
  int64_t pixel_of(int64_t line) const {
    return (line / down_ * d_.oh + line % down_ * tile_) * d_.ow;
  }
  void in_rounds(const Call& call, const Value* weights) const;
  void block_of(const Call& call, Lines lines, Panels panels, const Value* weights,
                const Scratch& scratch) const;
  void in_blocks(const Call& call, const Value* weights) const;
  void transform(int64_t line, const Pixel* source, Value* values, Pixel* patch) const;
  void multiply(const ir::PanelFormat::Columns& columns, int64_t tiles, const Value* weights,
                const Value* values, Sum* products) const;
  void block(const Call& call, Lines lines, Panels panels, const Value* weights,
             const Value* values, const Scratch& scratch) const;

  const WinogradFns<Pixel>& fns_;
  int64_t threads_;
  ir::ConvDims d_;
  ir::PanelFormat format_;
  Pixel pad_value_;
  int64_t tile_, side_, points_;  // outputs and inputs along a tile's side, and all points
  int64_t across_, down_;         // tiles
  int64_t pitch_;                 // of a tile's channels at one point
  bool shares_;                   // the inputs at the points, in rounds
  int64_t round_lines_, point_step_;
  int64_t block_lines_ = 1, block_panels_ = 1;
  bool packs_;
  Arithmetic arithmetic_;
  int64_t packed_bytes_, values_bytes_, products_bytes_, sums_bytes_;
};

template <class Arithmetic>
WinogradConv<Arithmetic>::WinogradConv(const Problem& problem)
    : fns_(winograd_fns<Pixel>(problem.isa, problem.attrs().integer("tile"))),
      threads_(problem.threads),
      d_(ir::winograd_dims(problem.operands[0].shape, problem.operands[1].shape, problem.attrs())),
      format_(Arithmetic::panels(problem.operands[1].shape, problem.isa)),
      pad_value_(static_cast<Pixel>(problem.attrs().integer("pad_value"))),
      tile_(problem.attrs().integer("tile")),
      side_(tile_ + 2),
      points_(side_ * side_),
      across_(ceil_div(d_.ow, tile_)),
      down_(ceil_div(d_.oh, tile_)),
      pitch_(round_up(d_.c, fns_.lanes)),
      packs_(!problem.panels && !format_.is_plain()),
      arithmetic_(problem, pitch_) {
  const int64_t weight_bytes = format_.elements() * int64_t{sizeof(Value)};
  packed_bytes_ = packs_ ? round_up(weight_bytes, kLine) : 0;

  shares_ = weight_bytes > kHeavyFilters;
  const int64_t lines = std::max<int64_t>(1, d_.n * down_);
  const int64_t line_bytes =
      std::max<int64_t>(1, across_ * points_ * pitch_ * int64_t{sizeof(Value)});
  const int64_t fitting = std::max<int64_t>(1, (shares_ ? kRoundBytes : kBlockBytes) / line_bytes);
  round_lines_ = shares_ ? ceil_div(lines, ceil_div(lines, fitting)) : lines;

  const int64_t panel_cols = format_.max_vectors * format_.lanes;
  const int64_t most = kProductTiles / std::max<int64_t>(1, across_);
  Side of_lines = Side::of(round_lines_, std::min(most, fitting));
  // A block that transforms its own inputs takes all panels, unless there are few tiles.
  const bool few = !shares_ && lines * across_ < kFewTiles;
  Side of_panels = Side::of(format_.panels(), shares_ ? kBlockCols / panel_cols : format_.panels());
  const int64_t enough = threads_ > 1 ? kBlocksPerThread * threads_ : 1;
  cut_blocks(of_panels, of_lines, 1, round_lines_ * across_ * points_ * d_.c * d_.o,
             {enough, few ? kLeastOfFew : kLeastBlock}, [&] { return shares_ || few; });
  block_lines_ = of_lines.block;
  block_panels_ = of_panels.block;
  point_step_ = apart<Value>((shares_ ? round_lines_ : block_lines_) * across_ * pitch_);
  values_bytes_ = points_ * point_step_ * int64_t{sizeof(Value)};

  const int64_t tiles = std::min(kProductTiles, block_lines_ * across_);
  products_bytes_ =
      round_up(std::max(points_ * apart<Sum>(tiles * panel_cols) * int64_t{sizeof(Sum)},
                        points_ * d_.c * int64_t{sizeof(Pixel)}),
               kLine);
  sums_bytes_ = round_up(arithmetic_.sums_bytes(block_lines_ * tile_ * d_.ow,
                                                std::min(d_.o, block_panels_ * panel_cols)),
                         kLine);
}

// The inputs of a line of tiles at the points; of a tile that reaches over the image's edge from a
// copy with padding around.
template <class Arithmetic>
void WinogradConv<Arithmetic>::transform(int64_t line, const Pixel* source, Value* values,
                                         Pixel* patch) const {
  const int64_t n = line / down_, top = line % down_ * tile_ - d_.pad_top;
  const Pixel* image = source + n * d_.h * d_.w * d_.c;
  for (int64_t i = 0; i < across_; ++i, values += pitch_) {
    const int64_t left = i * tile_ - d_.pad_left;
    InputTile<Pixel> tile{nullptr, d_.w * d_.c, d_.c, d_.c, values, point_step_};
    if (top >= 0 && left >= 0 && top + side_ <= d_.h && left + side_ <= d_.w) {
      tile.source = image + (top * d_.w + left) * d_.c;
    } else {
      std::fill_n(patch, points_ * d_.c, pad_value_);
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
template <class Arithmetic>
void WinogradConv<Arithmetic>::multiply(const ir::PanelFormat::Columns& columns, int64_t tiles,
                                        const Value* weights, const Value* values,
                                        Sum* products) const {
  const Value* panel = weights + format_.offset(0, columns);
  const int64_t product_step = apart<Sum>(tiles * columns.pitch);
  for (int64_t p = 0; p < points_; ++p)
    arithmetic_.multiply({tiles, values + p * point_step_, pitch_,
                          panel + p * format_.depth_pitch() * columns.pitch, columns.pitch,
                          products + p * product_step});
}

template <class Arithmetic>
void WinogradConv<Arithmetic>::block(const Call& call, Lines lines, Panels panels,
                                     const Value* weights, const Value* values,
                                     const Scratch& scratch) const {
  const int64_t first = lines.begin * across_, end = lines.end * across_;
  const int64_t row = pixel_of(lines.begin), col = format_.columns(panels.begin).begin;
  const ir::PanelFormat::Columns last = format_.columns(panels.end - 1);
  const Block block{row, pixel_of(lines.end) - row, col, last.begin + last.size - col};
  const BlockSums<Sum> sums = arithmetic_.sums_of(block, call, scratch.sums);
  for (int64_t p = panels.begin; p < panels.end; ++p) {
    const ir::PanelFormat::Columns columns = format_.columns(p);
    for (int64_t begin = first; begin < end; begin += kProductTiles) {
      const int64_t tiles = std::min(kProductTiles, end - begin);
      const int64_t product_step = apart<Sum>(tiles * columns.pitch);
      multiply(columns, tiles, weights, values + (begin - first) * pitch_, scratch.products);
      for (int64_t i = 0; i < tiles; ++i) {
        const int64_t line = (begin + i) / across_, w = (begin + i) % across_ * tile_;
        const int64_t pixel = pixel_of(line) + w, h = line % down_ * tile_;
        const std::optional<FinishTile> finish =
            arithmetic_.finish(call, columns.begin, pixel * d_.o + columns.begin);
        fns_.output({scratch.products + i * columns.pitch, product_step,
                     sums.first + (pixel - row) * sums.row + columns.begin - col, d_.ow * sums.row,
                     sums.row, std::min(tile_, d_.oh - h), std::min(tile_, d_.ow - w), columns.size,
                     finish ? &*finish : nullptr});
      }
    }
  }
  arithmetic_.end(block, call, sums, scratch.epilogue);
}

template <class Arithmetic>
void WinogradConv<Arithmetic>::run(const Call& call) const noexcept {
  const Value* weights = call.operands[1].as<Value>();
  if (packs_) {
    Value* packed = reinterpret_cast<Value*>(call.workspace);
    arithmetic_.pack(format_, call, packed);
    weights = packed;
  }
  if (shares_) in_rounds(call, weights);
  else in_blocks(call, weights);
}

template <class Arithmetic>
auto WinogradConv<Arithmetic>::scratch_at(std::byte* memory) const -> Scratch {
  std::byte* products = memory + own_values_bytes();
  std::byte* sums = products + products_bytes_;
  return {reinterpret_cast<Value*>(memory), reinterpret_cast<Sum*>(products),
          reinterpret_cast<Pixel*>(products), reinterpret_cast<Sum*>(sums), sums + sums_bytes_};
}

template <class Arithmetic>
void WinogradConv<Arithmetic>::in_blocks(const Call& call, const Value* weights) const {
  const int64_t lines = d_.n * down_, panels = ceil_div(format_.panels(), block_panels_);
  call.pool->run(ceil_div(lines, block_lines_) * panels, [&](int64_t item, int worker) {
    const int64_t line = item / panels * block_lines_, panel = item % panels * block_panels_;
    block_of(call, {line, std::min(lines, line + block_lines_)},
             {panel, std::min(format_.panels(), panel + block_panels_)}, weights,
             scratch_at(call.scratch_of(worker)));
  });
}

// Transforms the inputs of a block, and multiplies so many panels at a time as its sums have room
// for.
template <class Arithmetic>
void WinogradConv<Arithmetic>::block_of(const Call& call, Lines lines, Panels panels,
                                        const Value* weights, const Scratch& scratch) const {
  for (int64_t i = lines.begin; i < lines.end; ++i)
    transform(i, call.operands[0].as<Pixel>(),
              scratch.values + (i - lines.begin) * across_ * pitch_, scratch.patch);
  for (int64_t p = panels.begin; p < panels.end; p += block_panels_)
    block(call, lines, {p, std::min(panels.end, p + block_panels_)}, weights, scratch.values,
          scratch);
}

template <class Arithmetic>
Lines WinogradConv<Arithmetic>::whole(Lines lines) const {
  const int64_t top = lines.begin / d_.oh * d_.oh;
  return {top + (lines.begin - top) / tile_ * tile_,
          top + std::min(d_.oh, round_up(lines.end - top, tile_))};
}

template <class Arithmetic>
Lines WinogradConv<Arithmetic>::reads(Lines lines) const {
  const int64_t sample = lines.begin / d_.oh, top = sample * d_.oh;
  const Lines all = whole(lines);
  const auto clip = [&](int64_t line) { return std::clamp<int64_t>(line, 0, d_.h); };
  return {sample * d_.h + clip(all.begin - top - d_.pad_top),
          sample * d_.h + clip(all.end - top - d_.pad_top + 2)};
}

template <class Arithmetic>
void WinogradConv<Arithmetic>::run_lines(const Call& call, Lines lines) const noexcept {
  const Lines all = tiles_of(lines);
  for (int64_t i = all.begin; i < all.end; i += block_lines_)
    block_of(call, {i, std::min(all.end, i + block_lines_)}, {0, format_.panels()},
             call.operands[1].as<Value>(), scratch_at(call.scratch));
}

template <class Arithmetic>
void WinogradConv<Arithmetic>::in_rounds(const Call& call, const Value* weights) const {
  Value* values = reinterpret_cast<Value*>(call.workspace + packed_bytes_);
  const int64_t lines = d_.n * down_, panels = ceil_div(format_.panels(), block_panels_);
  for (int64_t first = 0; first < lines; first += round_lines_) {
    const int64_t count = std::min(round_lines_, lines - first);
    call.pool->run(count, [&](int64_t i, int worker) {
      transform(first + i, call.operands[0].as<Pixel>(), values + i * across_ * pitch_,
                scratch_at(call.scratch_of(worker)).patch);
    });
    call.pool->run(ceil_div(count, block_lines_) * panels, [&](int64_t item, int worker) {
      const int64_t line = item / panels * block_lines_, panel = item % panels * block_panels_;
      block(call, {first + line, first + std::min(count, line + block_lines_)},
            {panel, std::min(format_.panels(), panel + block_panels_)}, weights,
            values + line * across_ * pitch_, scratch_at(call.scratch_of(worker)));
    });
  }
}

}  // namespace

std::string refuse_winograd(const Problem& problem) {
  if (problem.attrs().get<std::string>("layout") != "nhwc") return "layout is not nhwc";
  const DType dtype = problem.operands[0].dtype;
  if (dtype == DType::f32) return WinogradFloats::refuse(problem);
  if (is_byte(dtype)) return WinogradIntegers<uint8_t>::refuse(problem);
  return "operands are neither f32 nor integers";
}

std::unique_ptr<Kernel> make_winograd(const Problem& problem) {
  const DType dtype = problem.operands[0].dtype;
  if (dtype == DType::f32) return std::make_unique<WinogradConv<WinogradFloats>>(problem);
  if (dtype == DType::u8) return std::make_unique<WinogradConv<WinogradIntegers<uint8_t>>>(problem);
  return std::make_unique<WinogradConv<WinogradIntegers<int8_t>>>(problem);
}

std::optional<ir::PanelFormat> wanted_winograd_panels(const ir::Node&, const TensorType& filter,
                                                      Isa isa) {
  const ir::PanelFormat format = filter.dtype == DType::i16
                                     ? WinogradIntegers<uint8_t>::panels(filter.shape, isa)
                                     : WinogradFloats::panels(filter.shape, isa);
  if (format.is_plain()) return {};
  return format;
}

}  // namespace hone::kernels

// "conv.direct" of conv2d and conv2d_grad_input. The two are one algorithm: every pixel of the
// result gathers source pixels along its taps, each a vector of channels times a matrix of weights.
// They differ in which pixel a tap reads (geometry.h) and in how weights are packed.
//
// Work is cut into blocks: whole lines of the result, across samples, times panels of channels. The
// pixels of a block that read the same taps are listed, region by region, so that tiles are full
// even where an image is small and its borders are many. A block takes the chain in chunks of taps
// or of channels, so that one panel's weights stay in L1 while all the block's pixels pass by them;
// from chunk to chunk a chain goes on from what the result holds, so that chunks do not touch the
// bits. An epilogue is applied at the chains' ends (kernels/finish.h), or runs in place on a block
// that is done.
#include <algorithm>
#include <optional>

#include "kernels/blocks.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/geometry.h"
#include "kernels/conv/micro.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/finish.h"
#include "kernels/line_kernel.h"
#include "kernels/panels.h"

namespace hone::kernels {
namespace {

constexpr int64_t kBlockPixels = 224, kBlockCols = 256;
constexpr int64_t kFewPixels = 56;                 // a block is not cut below it if it has panels
constexpr int64_t kBlocksPerThread = 6;            // at least, to share them out evenly...
constexpr int64_t kLeastBlock = int64_t{1} << 18;  // ... unless a block would have fewer FMAs
// What an FMA of a depthwise filter, which waits for memory, costs in those of others.
constexpr int64_t kDepthwiseCost = 4;
// So few channels of a tap become taps of one channel each: a loop inside a tap would cost more
// than what it does.
constexpr int64_t kFewChannels = 8;
constexpr int64_t kChunk = 256;  // steps of the chain

// The weights [o, i, kh, kw] as conv2d, or its gradient, reads them: columns are channels of the
// result, and a depthwise filter is one group whose columns each read a channel of their own.
ir::PanelFormat conv_panels(const ir::Node& node, const Shape& weight, Isa isa) {
  const ConvFns& fns = conv_fns(isa);
  const bool forward = node.is(ir::op::conv2d);
  const int64_t out = weight[0], in = weight[1], taps = weight[2] * weight[3];
  int64_t groups = node.attrs.integer("groups");
  const bool depthwise = groups > 1 && in == 1 && out == groups;
  if (depthwise) groups = 1;
  const ir::PanelFormat::Axis inputs{in, taps}, outputs{out / groups, in * taps};
  return {weight,
          {groups, out / groups * in * taps},
          {taps, 1},
          forward || depthwise ? inputs : outputs,
          forward || depthwise ? outputs : inputs,
          fns.lanes,
          fns.gather_vectors};
}

struct Image {
  int64_t h, w, c;
};

/// From line to line, pixel to pixel, channel to channel of an image in memory.
struct Steps {
  int64_t line, pixel, channel;

  static Steps of(const Image& image, bool planes) {
    return planes ? Steps{image.w, 1, image.h * image.w} : Steps{image.w * image.c, image.c, 1};
  }
};

bool is_depthwise(const ir::ConvDims& d) {
  return d.groups > 1 && d.group_c() == 1 && d.group_o() == 1;
}

// How a depthwise filter goes along a line, if there are tiles of whole lines for it (micro.h).
std::optional<AxisFilter> line_filter(const ir::ConvDims& d) {
  const AxisFilter cols = filter_cols(d);
  const int64_t behind = (d.ow - 1) * cols.stride + cols.taps - cols.pad - d.w;
  if (!is_depthwise(d) || (cols.taps != 3 && cols.taps != 5) || cols.stride > 2 ||
      cols.dilation != 1 || cols.pad >= cols.taps || behind >= cols.taps || d.kh * d.kw > kChunk)
    return {};
  return cols;
}

// All columns as one class: it reads places of padding, too.
std::vector<AxisClass> whole_line(const AxisFilter& f, int64_t outputs) {
  AxisClass all;
  for (int64_t k = 0; k < f.taps; ++k) all.taps.push_back({k, k});
  for (int64_t i = 0; i < outputs; ++i) all.places.push_back({i, i * f.stride - f.pad});
  return {std::move(all)};
}

class GatherConv final : public Kernel, public LineKernel {
 public:
  GatherConv(const Problem& problem, const ir::ConvDims& d, Image source, Image result,
             std::vector<AxisClass> rows, std::vector<AxisClass> cols,
             std::optional<AxisFilter> line = {});
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override { return packed_floats_ * int64_t{sizeof(float)}; }
  int64_t scratch_bytes() const override {
    return lists_bytes() + (epilogue_ ? epilogue_->scratch_bytes() : 0);
  }

  /// For a chain, weights must lie as they are read.
  const LineKernel* lines() const override { return packs_ ? nullptr : this; }
  Lines reads(Lines lines) const override;
  int64_t line_scratch_bytes() const override { return scratch_bytes(); }
  void run_lines(const Call& call, Lines lines) const noexcept override;

 private:
  /// Steps of the chain: channels [begin, end) of the taps of the filter from `tap` to `tap_end`.
  struct Chunk {
    int64_t tap, tap_end;
    int64_t begin, end;
  };
  /// A class of lines times a class of columns, with the taps that its pixels read.
  struct Region {
    size_t rows, cols;
    std::vector<Tap> taps;
    std::vector<std::pair<size_t, size_t>> of_chunk;  ///< which of them each chunk has
  };
  struct Panel {
    int64_t group;
    ir::PanelFormat::Columns columns;
  };
  struct Line {
    size_t row_class;
    int64_t source;
  };
  /// What one item computes: lines, counted through all samples, and panels.
  struct Part {
    int64_t line, line_end;
    int64_t panel, panel_end;
  };
  /// What one worker needs: the list of a block's pixels, where each region's begin in it, and the
  /// epilogue's tiles.
  struct Scratch {
    int64_t* source_at;
    int64_t* result_at;
    int64_t* region_at;
    std::byte* epilogue;
  };

  int64_t lists_bytes() const {
    return round_up(
        (2 * block_lines_ * result_.w + std::ssize(regions_) + 1) * int64_t{sizeof(int64_t)}, 64);
  }
  void split_taps();
  void cut_chunks();
  void cut_blocks(const ir::ConvDims& d);
  int64_t column(const Panel& panel) const {
    return panel.group * format_.column.extent + panel.columns.begin;
  }
  Scratch scratch_at(std::byte* memory) const {
    int64_t* lists = reinterpret_cast<int64_t*>(memory);
    const int64_t pixels = block_lines_ * result_.w;
    return {lists, lists + pixels, lists + 2 * pixels, memory + lists_bytes()};
  }
  void list_pixels(const Part& part, const Scratch& out) const;
  const float* weights_of(int64_t panel, const Chunk& chunk, const float* weights) const;
  const float* weights_after(int64_t panel, const Chunk& chunk, const Part& part,
                             const float* weights) const;
  void panel_of_block(int64_t panel, const Chunk& chunk, const Part& part, const Call& call,
                      const float* weights, const Scratch& scratch) const;
  void block(const Part& part, const Call& call, const float* weights,
             const Scratch& scratch) const;
  void finish(const Part& part, const Call& call, std::byte* scratch) const;

  const ConvFns& fns_;
  Isa isa_;
  int64_t threads_;
  int64_t samples_;
  Image source_, result_;
  Steps steps_;  // of the source
  ir::PanelFormat format_;
  int64_t taps_, depth_;  // of the filter, and channels of each, as the loops take them
  bool depthwise_;
  std::vector<AxisClass> rows_, cols_;
  std::optional<AxisFilter> line_;  // if its tiles are those of whole lines
  std::vector<Line> lines_;         // of one image of the result
  std::vector<Region> regions_;
  std::vector<Chunk> chunks_;
  std::vector<Panel> panels_;
  bool packs_;
  Range used_;  // beyond them only padding is read, as of a filter that is larger than its image
  int64_t packed_floats_;
  int64_t block_lines_ = 1, block_panels_ = 1;
  bool panels_first_ = false;  // weights are more than the image: threads share out panels
  std::optional<Finish> finish_;
  std::optional<TileProgram> epilogue_;
};

GatherConv::GatherConv(const Problem& problem, const ir::ConvDims& d, Image source, Image result,
                       std::vector<AxisClass> rows, std::vector<AxisClass> cols,
                       std::optional<AxisFilter> line)
    : fns_(conv_fns(problem.isa)),
      isa_(problem.isa),
      threads_(problem.threads),
      samples_(d.n),
      source_(source),
      result_(result),
      steps_(Steps::of(source, problem.planes)),
      format_(conv_panels(*problem.node, problem.operands[1].shape, problem.isa)),
      depthwise_(is_depthwise(d)),
      rows_(std::move(rows)),
      cols_(std::move(cols)),
      line_(line),
      lines_(static_cast<size_t>(result.h)) {
  finish_ = Finish::of(problem);
  if (!finish_) epilogue_ = TileProgram::epilogue_of(problem);
  for (size_t i = 0; i < rows_.size(); ++i)
    for (const AxisClass::Place& place : rows_[i].places)
      lines_[static_cast<size_t>(place.result)] = {i, place.source};
  for (size_t i = 0; i < rows_.size(); ++i)
    for (size_t j = 0; j < cols_.size(); ++j) {
      Region region{i, j, {}, {}};
      for (const AxisClass::Tap& row : rows_[i].taps)
        for (const AxisClass::Tap& col : cols_[j].taps)
          region.taps.push_back(
              {row.source * steps_.line + col.source * steps_.pixel, row.k * d.kw + col.k});
      regions_.push_back(std::move(region));
    }

  for (int64_t g = 0; g < format_.group.extent; ++g)
    for (int64_t p = 0; p < format_.panels(); ++p) panels_.push_back({g, format_.columns(p)});
  packs_ = !problem.panels && !format_.is_plain();
  packed_floats_ = packs_ ? round_up(format_.elements(), 16) : 0;
  used_ = {format_.tap.extent, 0};
  for (const Region& region : regions_)
    for (const Tap& tap : region.taps)
      used_ = {std::min(used_.begin, tap.block), std::max(used_.end, tap.block + 1)};
  taps_ = format_.tap.extent;
  depth_ = format_.depth.extent;
  if (depth_ <= kFewChannels) split_taps();
  cut_chunks();
  cut_blocks(d);
}

// Makes each channel of a tap a tap.
void GatherConv::split_taps() {
  for (Region& region : regions_) {
    std::vector<Tap> taps;
    for (const Tap& tap : region.taps)
      for (int64_t k = 0; k < depth_; ++k)
        taps.push_back({tap.source + k * steps_.channel, tap.block * depth_ + k});
    region.taps = std::move(taps);
  }
  taps_ *= depth_;
  depth_ = 1;
}

void GatherConv::cut_chunks() {
  // A filter without channels has one empty chunk, which begins every chain: +0.
  const int64_t parts = std::max<int64_t>(1, ceil_div(depth_, kChunk));
  const int64_t groups = parts > 1 ? taps_ : std::max<int64_t>(1, ceil_div(taps_ * depth_, kChunk));
  for (int64_t g = 0; g < groups; ++g)
    for (int64_t p = 0; p < parts; ++p)
      chunks_.push_back({g * taps_ / groups, (g + 1) * taps_ / groups, p * depth_ / parts,
                         (p + 1) * depth_ / parts});
  for (Region& region : regions_) {
    const auto first = [&](int64_t tap) {
      const auto at = std::find_if(region.taps.begin(), region.taps.end(),
                                   [&](const Tap& t) { return t.block >= tap; });
      return static_cast<size_t>(at - region.taps.begin());
    };
    for (const Chunk& chunk : chunks_)
      region.of_chunk.emplace_back(first(chunk.tap), first(chunk.tap_end));
  }
}

// Starts from the largest block and cuts it across its lines, so that a thread reads the part of an
// image that it has made before; across the panels where the weights are more than the image, or
// the pixels few.
void GatherConv::cut_blocks(const ir::ConvDims& d) {
  const int64_t pitch = panels_.empty() ? 1 : panels_[0].columns.pitch;
  Side lines = Side::of(samples_ * result_.h, kBlockPixels / std::max<int64_t>(1, result_.w));
  Side panels = Side::of(std::ssize(panels_), kBlockCols / pitch);
  const bool small = samples_ * result_.h * result_.w <= 2 * kFewPixels;
  const int64_t enough =
      threads_ > 1 ? (small ? kBlocksPerThread / 2 : kBlocksPerThread) * threads_ : 1;
  const int64_t work = lines.units * result_.w * d.o * format_.tap.extent * d.group_c() *
                       (depthwise_ ? kDepthwiseCost : 1);
  panels_first_ = format_.elements() > samples_ * source_.h * source_.w * source_.c;
  kernels::cut_blocks(panels, lines, 1, work, {enough, kLeastBlock},
                      [&] { return panels_first_ || lines.block * result_.w < 2 * kFewPixels; });
  block_lines_ = lines.block;
  block_panels_ = panels.block;
}

// Lists the pixels of a part, region by region.
void GatherConv::list_pixels(const Part& part, const Scratch& out) const {
  int64_t count = 0;
  for (size_t r = 0; r < regions_.size(); ++r) {
    out.region_at[r] = count;
    for (int64_t i = part.line; i < part.line_end; ++i) {
      const Line& line = lines_[static_cast<size_t>(i % result_.h)];
      if (line.row_class != regions_[r].rows) continue;
      const int64_t source =
          i / result_.h * (source_.h * source_.w * source_.c) + line.source * steps_.line;
      for (const AxisClass::Place& place : cols_[regions_[r].cols].places) {
        out.source_at[count] = source + place.source * steps_.pixel;
        out.result_at[count] = (i * result_.w + place.result) * result_.c;
        ++count;
      }
    }
  }
  out.region_at[regions_.size()] = count;
}

// Where a chunk of a panel begins.
const float* GatherConv::weights_of(int64_t panel, const Chunk& chunk, const float* weights) const {
  const auto& [group, columns] = panels_[static_cast<size_t>(panel)];
  return weights + format_.offset(group, columns) +
         (chunk.tap * depth_ + chunk.begin) * columns.pitch;
}

// What is read after it, by this block or, most likely, the next.
const float* GatherConv::weights_after(int64_t panel, const Chunk& chunk, const Part& part,
                                       const float* weights) const {
  if (panel + 1 < part.panel_end) return weights_of(panel + 1, chunk, weights);
  if (&chunk != &chunks_.back()) return weights_of(part.panel, *(&chunk + 1), weights);
  return panel + 1 < std::ssize(panels_) ? weights_of(panel + 1, chunks_[0], weights) : weights;
}

void GatherConv::panel_of_block(int64_t i, const Chunk& chunk, const Part& part, const Call& call,
                                const float* weights, const Scratch& scratch) const {
  const Panel& panel = panels_[static_cast<size_t>(i)];
  const auto gather = depthwise_ ? fns_.gather_depthwise : fns_.gather;
  const auto c = static_cast<size_t>(&chunk - chunks_.data());
  const int64_t channel = depthwise_ ? column(panel) : panel.group * format_.depth.extent;
  const float* source = call.operands[0].as<float>() + channel * steps_.channel;
  std::optional<FinishTile> finish;
  if (finish_ && c + 1 == chunks_.size())
    finish = finish_->tile(call, column(panel), column(panel));
  for (size_t r = 0; r < regions_.size(); ++r) {
    const Region& region = regions_[r];
    const int64_t at = scratch.region_at[r];
    const auto [first, end] = region.of_chunk[c];
    // What a chunk adds nothing to only begins, with the first.
    const bool begins = chunk.begin == 0 && first == 0;
    if (scratch.region_at[r + 1] == at || (first == end && c > 0 && !finish)) continue;
    const GatherTiles tiles = {source,
                               scratch.source_at + at,
                               call.results[0].as<float>() + column(panel),
                               scratch.result_at + at,
                               scratch.region_at[r + 1] - at,
                               region.taps.data() + first,
                               static_cast<int64_t>(end - first),
                               depth_,
                               chunk.begin,
                               chunk.end,
                               weights + format_.offset(panel.group, panel.columns),
                               panel.columns.size,
                               !begins,
                               finish ? &*finish : nullptr,
                               weights_after(i, chunk, part, weights)};
    if (line_)
      fns_.line_depthwise(
          {tiles, result_.w, line_->taps, line_->stride, line_->pad, source_.w, source_.c});
    else gather(tiles);
  }
}

void GatherConv::finish(const Part& part, const Call& call, std::byte* scratch) const {
  const Panel& last = panels_[static_cast<size_t>(part.panel_end - 1)];
  const int64_t begin = column(panels_[static_cast<size_t>(part.panel)]);
  const Block block{part.line * result_.w, (part.line_end - part.line) * result_.w, begin,
                    column(last) + last.columns.size - begin};
  const Accumulator sums{call.results[0].as<float>() + block.row * result_.c + block.col,
                         result_.c};
  epilogue_->run(block, call.operands.subspan(2), call.results, scratch, &sums);
}

void GatherConv::block(const Part& part, const Call& call, const float* weights,
                       const Scratch& scratch) const {
  list_pixels(part, scratch);
  for (const Chunk& chunk : chunks_)
    for (int64_t i = part.panel; i < part.panel_end; ++i)
      panel_of_block(i, chunk, part, call, weights, scratch);
  if (epilogue_) finish(part, call, scratch.epilogue);
}

void GatherConv::run(const Call& call) const noexcept {
  const float* weights = call.operands[1].as<float>();
  float* packed = reinterpret_cast<float*>(call.workspace);
  if (packs_) {
    pack_panels(format_, weights, used_, isa_, call.pool, packed);
    weights = packed;
  }
  const int64_t across = ceil_div(std::ssize(panels_), block_panels_);
  const int64_t down = ceil_div(samples_ * result_.h, block_lines_);
  call.pool->run(down * across, [&](int64_t item, int worker) {
    const int64_t panel_part = panels_first_ ? item / down : item % across;
    const int64_t line_part = panels_first_ ? item % down : item / across;
    const Range lines = even_part(line_part, down, samples_ * result_.h);
    const Range panels = even_part(panel_part, across, std::ssize(panels_));
    block({lines.begin, lines.end, panels.begin, panels.end}, call, weights,
          scratch_at(call.scratch_of(worker)));
  });
}

Lines GatherConv::reads(Lines lines) const {
  const int64_t sample = lines.begin / result_.h * result_.h;
  Lines read{source_.h, 0};
  for (int64_t i = lines.begin; i < lines.end; ++i) {
    const Line& line = lines_[static_cast<size_t>(i - sample)];
    const std::vector<AxisClass::Tap>& taps = rows_[line.row_class].taps;
    if (taps.empty()) continue;
    const auto [first, last] = std::minmax(taps.front().source, taps.back().source);
    read.begin = std::min(read.begin, line.source + first);
    read.end = std::max(read.end, line.source + last + 1);
  }
  const int64_t top = sample / result_.h * source_.h;
  return {top + std::min(read.begin, read.end), top + read.end};
}

void GatherConv::run_lines(const Call& call, Lines lines) const noexcept {
  const Scratch scratch = scratch_at(call.scratch);
  const int64_t count = lines.size(), blocks = ceil_div(count, block_lines_);
  for (int64_t i = 0; i < blocks; ++i) {
    const Range part = even_part(i, blocks, count);
    block({lines.begin + part.begin, lines.begin + part.end, 0, std::ssize(panels_)}, call,
          call.operands[1].as<float>(), scratch);
  }
}

}  // namespace

std::unique_ptr<Kernel> make_conv_forward(const Problem& problem) {
  const ir::ConvDims d =
      ir::conv_dims(problem.operands[0].shape, problem.operands[1].shape, problem.attrs());
  const std::optional<AxisFilter> line = line_filter(d);
  return std::make_unique<GatherConv>(
      problem, d, Image{d.h, d.w, d.c}, Image{d.oh, d.ow, d.o},
      output_classes(filter_rows(d), d.h, d.oh),
      line ? whole_line(*line, d.ow) : output_classes(filter_cols(d), d.w, d.ow), line);
}

std::unique_ptr<Kernel> make_conv_grad_input(const Problem& problem) {
  const ir::ConvDims d =
      ir::conv_dims(problem.results[0].shape, problem.operands[1].shape, problem.attrs());
  return std::make_unique<GatherConv>(problem, d, Image{d.oh, d.ow, d.o}, Image{d.h, d.w, d.c},
                                      input_classes(filter_rows(d), d.h, d.oh),
                                      input_classes(filter_cols(d), d.w, d.ow));
}

bool reads_planes(const Problem& problem) {
  const ir::ConvDims d =
      ir::conv_dims(problem.operands[0].shape, problem.operands[1].shape, problem.attrs());
  return d.group_c() <= kFewChannels && !is_depthwise(d);
}

std::optional<ir::PanelFormat> wanted_conv_panels(const ir::Node& node, const TensorType& weight,
                                                  Isa isa) {
  if (weight.dtype != DType::f32) return {};
  if (node.attrs.get<std::string>("layout") != "nhwc") return {};
  const ir::PanelFormat format = conv_panels(node, weight.shape, isa);
  if (format.is_plain()) return {};
  return format;
}

}  // namespace hone::kernels

// "int8.dot". A product is seen as a convolution: every pixel of the result
// reads runs of adjacent elements of x (for a filter whose lines of taps lie
// side by side in the image: one run a line of it), and sums them up, weighted,
// for a panel of columns.
//
// Where a level wants the rows of a tile to lie evenly in x, pixels are counted through all of a
// padded line: those behind the result's are computed too, and dropped.
//
// x is copied where it must be (staging.h): to have padding around it, to be elements of a level
// that multiplies 16 bits, or so that a step of the depth may read past a run (weights are zero
// there). What is left needs no cases. Where parts of the result share few lines of x, each copies
// what it reads to memory of the worker's own, which the caches keep; else x is copied as a whole
// before. A block of pixels and panels is summed into memory of the worker's own, where the
// epilogue takes it from; without one, straight into the result. Where the epilogue is the
// commonest, tiles make the result's bytes themselves. In a chain, some lines of the result are
// computed on one thread, which copies what they read.
#include <algorithm>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/int8/geometry.h"
#include "kernels/int8/int8.h"
#include "kernels/int8/micro.h"
#include "kernels/int8/staging.h"
#include "kernels/int8/sum_epilogue.h"
#include "kernels/line_kernel.h"
#include "kernels/panels.h"

namespace hone::kernels {
namespace {

constexpr int64_t kBlockPixels = 120, kBlockCols = 64;  // whose sums stay in the L1 cache
constexpr int64_t kPartCols = 256;
constexpr int64_t kBlocksPerThread = 3;            // at least, to share them out evenly...
constexpr int64_t kLeastBlock = int64_t{1} << 19;  // ... unless a block would have fewer products
constexpr int64_t kStageBytes = 16 << 10;          // that one item copies at least
constexpr int64_t kLeastLines = 4;                 // for each thread, to be shared out evenly
constexpr int64_t kPartBytes = 96 << 10;           // of x that a part reads, if it copies that

class Dot final : public Kernel, public LineKernel {
 public:
  explicit Dot(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override { return workspace_bytes_; }
  int64_t scratch_bytes() const override { return copy_at() + copy_bytes_; }

  /// For a chain, weights must lie as they are read. A block would have too few rows for AMX, and
  /// sums that begin with products would have to be begun for each block.
  const LineKernel* lines() const override {
    return packs_ || fns_.even_rows || has_offset_ || line_width_ == 0 ? nullptr : this;
  }
  Lines reads(Lines lines) const override;
  int64_t line_scratch_bytes() const override;
  void run_lines(const Call& call, Lines lines) const noexcept override;

 private:
  struct Panel {
    int64_t group;
    ir::PanelFormat::Columns columns;
  };
  /// What one item computes, or one block of it.
  struct Part {
    int64_t pixel, pixel_end;
    int64_t panel, panel_end;
  };
  /// Where x, the weights and what sums start from lie when the blocks begin; and factors, if tiles
  /// write bytes.
  struct Memory {
    const std::byte* x;
    const int8_t* weights;
    const int32_t* init;
    const float* factor;
  };

  bool has_own_sums() const { return epilogue_ || line_pixels_ != at_.ow; }
  /// The first of the result's pixels that is not before this one.
  int64_t result_pixel(int64_t pixel) const {
    return pixel / line_pixels_ * at_.ow + std::min(pixel % line_pixels_, at_.ow);
  }
  int64_t sums_at() const { return round_up(block_pixels_ * int64_t{sizeof(int64_t)}, 64); }
  int64_t epilogue_at() const {
    return sums_at() + (has_own_sums() ? round_up(block_pixels_ * block_cols_ * 4, 64) : 0);
  }
  int64_t copy_at() const { return epilogue_at() + round_up(epilogue_.scratch_bytes(), 64); }
  int64_t all_columns() const { return std::ssize(panels_) * panel_columns(); }
  /// Of what the sums of all columns start from, and then of their factors.
  int64_t columns_bytes() const {
    return all_columns() * 4 * (may_write_bytes_ ? 2 : has_offset_ ? 1 : 0);
  }
  /// Of the copy of so many lines, and of what is read behind it.
  int64_t copy_size(int64_t lines) const {
    return round_up(staging_.bytes(lines) + slack_ * fns_.element_bytes, 64);
  }
  /// Lines of the copy that so many lines of the result read.
  int64_t copied_lines(int64_t lines) const {
    return (lines - 1) * at_.stride_h + (at_.kh - 1) * at_.dilation_h + 1;
  }
  /// In a chain, where a worker's bias and factors lie.
  int64_t line_columns_at() const {
    return copy_at() + (stages_ ? copy_size(copied_lines(copied_at_once_)) : 0);
  }
  int64_t column(const Panel& panel) const {
    return panel.group * format_.column.extent + panel.columns.begin;
  }
  int64_t steps() const { return format_.depth_pitch() / fns_.step; }
  int64_t panel_columns() const { return format_.lanes * format_.max_vectors; }
  /// How many elements one row of one run reads.
  int64_t run_elements() const { return depthwise_ ? fns_.channels : format_.depth_pitch(); }
  auto tiles() const {
    return pairs_ ? fns_.depthwise_pairs : depthwise_ ? fns_.depthwise : fns_.tiles;
  }
  void cut(int threads);
  void cut_lines(int threads);
  void cut_parts();
  int64_t panel_pitch() const { return panels_.empty() ? 1 : panels_[0].columns.pitch; }
  int64_t pixels() const { return at_.n * at_.oh * line_pixels_; }
  int64_t parts_across() const { return ceil_div(std::ssize(panels_), part_panels_); }
  int64_t parts() const { return ceil_div(pixels(), part_pixels_) * parts_across(); }
  Part part(int64_t item) const;
  Range lines_of(const Part& part) const;
  void stage(const Call& call, std::byte* to) const;
  void subtract_offset(const Call& call, const Memory& memory, std::byte* offsets,
                       int32_t* init) const;
  Memory with_columns(const Call& call, Memory memory, std::byte* columns) const;
  int64_t keep_pixels(const Part& part, int32_t* sums, int64_t row) const;
  void finish(const Block& block, const Call& call, const int32_t* sums, int64_t row,
              std::byte* scratch) const;
  void list_pixels(const Part& part, int64_t* x_at) const;
  void run_part(const Part& part, const Call& call, Memory memory, std::byte* scratch,
                bool copies) const;
  void block(const Part& part, const Call& call, const Memory& memory, std::byte* scratch) const;

  const DotFns& fns_;
  DotGeometry at_;
  bool is_signed_;  // x
  bool depthwise_, pairs_;
  Staging staging_;
  ir::PanelFormat format_;
  std::vector<Panel> panels_;
  std::vector<int64_t> runs_;
  std::vector<int64_t> no_runs_;  // as many, all at 0
  bool stages_, packs_, has_offset_;
  bool may_write_bytes_;    // by tiles
  bool stages_parts_;       // each its own
  int64_t copy_bytes_ = 0;  // of a part
  int64_t slack_;           // elements that may be read behind the copy
  int64_t x_row_ = 0;       // from each pixel's elements to the next, unless that varies
  int64_t line_pixels_;     // that are computed for each line of the result
  int64_t x_at_, columns_at_, offsets_at_;  // in the workspace
  int64_t workspace_bytes_;
  int64_t part_pixels_ = 1, part_panels_ = 1;  // of an item
  int64_t block_pixels_ = 1, block_panels_ = 1, block_cols_ = 1;
  int64_t line_width_ = 0;       // pixels of a line of the result, if it has lines
  int64_t result_h_, source_h_;  // lines of a sample
  int64_t copied_at_once_ = 0;   // lines of the result, in a chain
  SumEpilogue epilogue_;
};

Dot::Dot(const Problem& problem)
    : fns_(dot_fns(problem.isa)),
      at_(dot_geometry(problem)),
      is_signed_(problem.operands[0].dtype == DType::i8),
      depthwise_(at_.is_depthwise()),
      pairs_(depthwise_ && in_pairs(fns_, at_.kw, at_.stride_w, at_.dilation_w)),
      staging_(fns_, at_, is_signed_, problem.attrs().integer("pad_value")),
      format_(dot_panels(*problem.node, problem.operands[1].shape, problem.isa)),
      packs_(!problem.panels),
      has_offset_(is_signed_ && fns_.i8_offset != 0),
      epilogue_(problem) {
  may_write_bytes_ =
      epilogue_.requantisation() != nullptr && (depthwise_ || fns_.tiles_write_bytes);
  // Depthwise, all columns of a panel are read.
  const bool reads_past = depthwise_ ? pairs_ || at_.c % fns_.channels != 0
                                     : format_.depth_pitch() != format_.depth.extent;
  stages_ = fns_.element_bytes != 1 || has_offset_ || at_.has_padding() || reads_past;
  const bool even = fns_.even_rows && stages_ && !depthwise_ && at_.stride_h == 1 &&
                    at_.stride_w == 1 && at_.c > 0;
  line_pixels_ = even ? staging_.line() / at_.c : at_.ow;
  const int64_t x_row = at_.stride_w * at_.c, x_line = at_.stride_h * staging_.line();
  if ((at_.n == 1 || staging_.lines() * staging_.line() == at_.oh * x_line) &&
      (at_.n * at_.oh == 1 || x_line == line_pixels_ * x_row))
    x_row_ = x_row;
  // Pixels behind a line's are read as far as the filter reaches.
  slack_ = fns_.channels + ((at_.kw - 1) * at_.dilation_w + 1) * at_.c;
  for (int64_t kh = 0; kh < at_.kh; ++kh) {
    const int64_t line = kh * at_.dilation_h * staging_.line();
    if (pairs_ || at_.has_whole_lines()) runs_.push_back(line);
    else
      for (int64_t kw = 0; kw < at_.kw; ++kw) runs_.push_back(line + kw * at_.dilation_w * at_.c);
  }
  if (depthwise_ && !pairs_) runs_.resize(static_cast<size_t>(format_.depth_pitch()));
  no_runs_.resize(runs_.size());
  for (int64_t g = 0; g < format_.group.extent; ++g)
    for (int64_t p = 0; p < format_.panels(); ++p) panels_.push_back({g, format_.columns(p)});
  const bool has_many_lines = at_.n * at_.oh >= kLeastLines * problem.threads;
  stages_parts_ =
      stages_ && (depthwise_ ? has_many_lines : at_.kh == 1 && line_pixels_ <= kBlockPixels);
  if (stages_parts_ && depthwise_) cut_lines(problem.threads);
  else cut(problem.threads);
  cut_parts();
  if (stages_parts_) {
    int64_t most = 0;
    for (int64_t item = 0; item < parts(); ++item)
      most = std::max(most, lines_of(part(item)).size());
    copy_bytes_ = copy_size(most);
  }

  const Shape& x = problem.operands[0].shape;
  const Shape& result = problem.results[0].shape;
  const bool has_lines = result.rank() == x.rank() && (x.rank() == 4 || x.rank() == 2);
  const bool is_image = has_lines && x.rank() == 4;
  line_width_ = !has_lines ? 0 : is_image ? result[2] : 1;
  result_h_ = is_image ? result[1] : 1;
  source_h_ = is_image ? x[1] : 1;
  copied_at_once_ =
      std::max<int64_t>(1, kPartBytes / std::max<int64_t>(1, staging_.bytes(at_.stride_h)));

  const auto end_of = [](int64_t begin, int64_t bytes) { return round_up(begin + bytes, 64); };
  x_at_ = packs_ ? end_of(0, format_.elements()) : 0;
  columns_at_ = end_of(x_at_, stages_ && !stages_parts_ ? copy_size(at_.n * staging_.lines()) : 0);
  offsets_at_ = end_of(columns_at_, columns_bytes());
  workspace_bytes_ = end_of(offsets_at_, has_offset_ ? run_elements() : 0);
}

// Starts from the largest block and cuts it across its pixels, so that a thread
// reads the part of an image that it has made before; across the panels where
// the weights are more than the image.
void Dot::cut(int threads) {
  Side pixels = Side::of(this->pixels(), kBlockPixels);
  Side panels = Side::of(std::ssize(panels_), kPartCols / panel_pitch());
  const int64_t enough = threads > 1 ? kBlocksPerThread * threads : 1;
  const int64_t depth = format_.tap.extent * format_.depth.extent;
  const bool heavy = format_.elements() > at_.n * at_.h * at_.w * at_.c;
  cut_blocks(panels, pixels, 1, pixels.units * at_.o * depth, {enough, kLeastBlock},
             [&] { return heavy; });
  part_pixels_ = pixels.block;
  part_panels_ = panels.block;
}

// Parts of whole lines and all columns, as many for each thread, of blocks that stay in the caches.
void Dot::cut_lines(int threads) {
  const int64_t lines = at_.n * at_.oh;
  const int64_t bytes = staging_.bytes(lines * at_.stride_h);
  const int64_t work = pixels() * at_.o * format_.tap.extent * format_.depth.extent;
  const int64_t wanted = std::max(ceil_div(bytes, kPartBytes),
                                  std::min(kBlocksPerThread * threads, work / kLeastBlock));
  const int64_t parts = round_up(std::max<int64_t>(1, wanted), threads);
  part_pixels_ = std::max<int64_t>(1, ceil_div(lines, parts) * line_pixels_);
  part_panels_ = std::max<int64_t>(1, std::ssize(panels_));
}

void Dot::cut_parts() {
  block_pixels_ = std::min(part_pixels_, kBlockPixels);
  block_panels_ = std::clamp<int64_t>(kBlockCols / panel_pitch(), 1, part_panels_);
  for (int64_t p = 0; p < std::ssize(panels_); p += block_panels_) {
    const int64_t end = std::min(std::ssize(panels_), p + block_panels_);
    const Panel& last = panels_[static_cast<size_t>(end - 1)];
    block_cols_ = std::max(
        block_cols_, column(last) + last.columns.size - column(panels_[static_cast<size_t>(p)]));
  }
}

Dot::Part Dot::part(int64_t item) const {
  const int64_t pixel = item / parts_across() * part_pixels_;
  const int64_t panel = item % parts_across() * part_panels_;
  return {pixel, std::min(pixels(), pixel + part_pixels_), panel,
          std::min(std::ssize(panels_), panel + part_panels_)};
}

// Of x with its padding.
Range Dot::lines_of(const Part& part) const {
  const auto first = [&](int64_t pixel) {
    const int64_t line = pixel / line_pixels_;
    return line / at_.oh * staging_.lines() + line % at_.oh * at_.stride_h;
  };
  return {first(part.pixel), first(part.pixel_end - 1) + (at_.kh - 1) * at_.dilation_h + 1};
}

void Dot::stage(const Call& call, std::byte* to) const {
  const int64_t bytes = staging_.bytes(1), lines = at_.n * staging_.lines();
  const int64_t item_lines = ceil_div(kStageBytes, std::max<int64_t>(1, bytes));
  call.pool->run(ceil_div(lines, item_lines), [&](int64_t item, int) {
    const int64_t begin = item * item_lines, end = std::min(lines, begin + item_lines);
    staging_.copy(call.operands[0].data, {begin, end}, to + begin * bytes);
  });
}

// What elements have too much, times the weights' sums: a row of nothing but
// that, negated.
void Dot::subtract_offset(const Call& call, const Memory& memory, std::byte* offsets,
                          int32_t* init) const {
  std::memset(offsets, static_cast<int>(fns_.i8_offset), static_cast<size_t>(run_elements()));
  call.pool->run(std::ssize(panels_), [&](int64_t item, int) {
    const auto& [group, columns] = panels_[static_cast<size_t>(item)];
    int32_t* sums = init + item * panel_columns();
    const int64_t first = 0;
    tiles()({offsets, &first, 0, no_runs_.data(), std::ssize(no_runs_), pairs_ ? 0 : steps(),
             memory.weights + format_.offset(group, columns), nullptr, sums, 0, 1, columns.pitch});
    for (int64_t j = 0; j < columns.pitch; ++j)  // as sums do, it wraps
      sums[j] = static_cast<int32_t>(0 - static_cast<uint32_t>(sums[j]));
  });
}

// If tiles can write bytes: bias and factors of each panel's columns, the factors with zeros behind
// them.
Dot::Memory Dot::with_columns(const Call& call, Memory memory, std::byte* columns) const {
  if (!may_write_bytes_ || !epilogue_.requantisation()->suits_tiles(call)) return memory;
  int32_t* init = reinterpret_cast<int32_t*>(columns);
  float* factor = reinterpret_cast<float*>(init + all_columns());
  if (memory.init == nullptr) std::fill_n(init, all_columns(), 0);
  std::fill_n(factor, all_columns(), 0.0F);
  memory.init = init;
  memory.factor = factor;
  for (const Panel& panel : panels_) {
    const int64_t begin = column(panel);
    epilogue_.requantisation()->give_columns(call, {begin, begin + panel.columns.size}, init,
                                             factor);
    init += panel_columns();
    factor += panel_columns();
  }
  return memory;
}

// Counts on from the first: a division costs as much as a few vectors of products.
void Dot::list_pixels(const Part& part, int64_t* x_at) const {
  if (x_row_ != 0) {
    for (int64_t p = part.pixel; p < part.pixel_end; ++p) *x_at++ = p * x_row_;
    return;
  }
  int64_t col = part.pixel % line_pixels_;
  int64_t line = part.pixel / line_pixels_ % at_.oh, sample = part.pixel / line_pixels_ / at_.oh;
  const int64_t step = at_.stride_w * at_.c;
  for (int64_t left = part.pixel_end - part.pixel; left > 0;) {
    const int64_t count = std::min(left, line_pixels_ - col);
    int64_t at = (sample * staging_.lines() + line * at_.stride_h) * staging_.line() + col * step;
    for (int64_t i = 0; i < count; ++i, at += step) *x_at++ = at;
    left -= count;
    col = 0;
    if (++line == at_.oh) {
      line = 0;
      ++sample;
    }
  }
}

void Dot::run_part(const Part& part, const Call& call, Memory memory, std::byte* scratch,
                   bool copies) const {
  if (copies) {
    const Range lines = lines_of(part);
    staging_.copy(memory.x, lines, scratch + copy_at());
    memory.x = scratch + copy_at() - staging_.bytes(lines.begin);
  }
  for (int64_t pixel = part.pixel; pixel < part.pixel_end; pixel += block_pixels_) {
    const int64_t pixel_end = std::min(part.pixel_end, pixel + block_pixels_);
    list_pixels({pixel, pixel_end, 0, 0}, reinterpret_cast<int64_t*>(scratch));
    for (int64_t panel = part.panel; panel < part.panel_end; panel += block_panels_)
      block({pixel, pixel_end, panel, std::min(part.panel_end, panel + block_panels_)}, call,
            memory, scratch);
  }
  if (fns_.end != nullptr) fns_.end();
}

// The pixels are listed.
void Dot::block(const Part& part, const Call& call, const Memory& memory,
                std::byte* scratch) const {
  const int64_t* x_at = reinterpret_cast<const int64_t*>(scratch);
  const Panel& last = panels_[static_cast<size_t>(part.panel_end - 1)];
  const int64_t begin = column(panels_[static_cast<size_t>(part.panel)]);
  Block block{part.pixel, part.pixel_end - part.pixel, begin,
              column(last) + last.columns.size - begin};
  int32_t* sums = has_own_sums() ? reinterpret_cast<int32_t*>(scratch + sums_at())
                                 : call.results[0].as<int32_t>() + block.row * at_.o + block.col;
  const int64_t row = has_own_sums() ? block.cols : at_.o;
  for (int64_t i = part.panel; i < part.panel_end; ++i) {
    const Panel& panel = panels_[static_cast<size_t>(i)];
    const int64_t channel = depthwise_ ? panel.columns.begin : panel.group * (at_.c / at_.groups);
    TileBytes bytes{};
    if (memory.factor != nullptr)
      bytes = epilogue_.requantisation()->tile_bytes(call, block.row, column(panel),
                                                     memory.factor + i * panel_columns());
    tiles()({memory.x + channel * fns_.element_bytes, x_at, x_row_, runs_.data(), std::ssize(runs_),
             pairs_ ? at_.c : steps(), memory.weights + format_.offset(panel.group, panel.columns),
             memory.init == nullptr ? nullptr : memory.init + i * panel_columns(),
             sums + column(panel) - begin, row, block.rows, panel.columns.size,
             memory.factor == nullptr ? nullptr : &bytes});
  }
  if (!has_own_sums() || memory.factor != nullptr) return;
  if (line_pixels_ != at_.ow) {
    block.rows = keep_pixels(part, sums, row);
    block.row = result_pixel(part.pixel);
  }
  if (block.rows > 0) finish(block, call, sums, row, scratch + epilogue_at());
}

// Moves the sums of the result's pixels together; returns how many there are.
int64_t Dot::keep_pixels(const Part& part, int32_t* sums, int64_t row) const {
  int64_t kept = 0;
  for (int64_t p = part.pixel; p < part.pixel_end;) {
    const int64_t line = p / line_pixels_ * line_pixels_;
    const int64_t end = std::min(part.pixel_end, line + line_pixels_);
    const int64_t count = std::max<int64_t>(0, std::min(end, line + at_.ow) - p);
    if (p - part.pixel != kept)
      std::memmove(sums + kept * row, sums + (p - part.pixel) * row,
                   static_cast<size_t>(count * row * 4));
    kept += count;
    p = end;
  }
  return kept;
}

void Dot::finish(const Block& block, const Call& call, const int32_t* sums, int64_t row,
                 std::byte* scratch) const {
  if (!epilogue_) {
    for (int64_t r = 0; r < block.rows; ++r)
      std::memcpy(call.results[0].as<int32_t>() + (block.row + r) * at_.o + block.col,
                  sums + r * row, static_cast<size_t>(block.cols * 4));
    return;
  }
  epilogue_.run(block, call, sums, row, scratch);
}

void Dot::run(const Call& call) const noexcept {
  Memory memory{call.operands[0].data, call.operands[1].as<int8_t>(), nullptr, nullptr};
  if (packs_) {
    int8_t* packed = reinterpret_cast<int8_t*>(call.workspace);
    pack_integers(format_, call.operands[1].as<int8_t>(), call.pool, packed);
    memory.weights = packed;
  }
  if (stages_ && !stages_parts_) {
    stage(call, call.workspace + x_at_);
    memory.x = call.workspace + x_at_;
  }
  if (has_offset_) {
    int32_t* init = reinterpret_cast<int32_t*>(call.workspace + columns_at_);
    subtract_offset(call, memory, call.workspace + offsets_at_, init);
    memory.init = init;
  }
  memory = with_columns(call, memory, call.workspace + columns_at_);
  call.pool->run(parts(), [&](int64_t item, int worker) {
    run_part(part(item), call, memory, call.scratch_of(worker), stages_parts_);
  });
}

Lines Dot::reads(Lines lines) const {
  const int64_t sample = lines.begin / result_h_;
  const auto source = [&](int64_t line) {
    return (line - sample * result_h_) * at_.stride_h - at_.top;
  };
  const auto in_image = [&](int64_t line) {
    return sample * source_h_ + std::clamp<int64_t>(line, 0, source_h_);
  };
  return {in_image(source(lines.begin)),
          in_image(source(lines.end - 1) + (at_.kh - 1) * at_.dilation_h + 1)};
}

int64_t Dot::line_scratch_bytes() const { return line_columns_at() + columns_bytes(); }

void Dot::run_lines(const Call& call, Lines lines) const noexcept {
  const Memory memory =
      with_columns(call, {call.operands[0].data, call.operands[1].as<int8_t>(), nullptr, nullptr},
                   call.scratch + line_columns_at());
  // Of a 1 x 1, each pixel is a line here.
  const int64_t end = lines.end * line_width_, step = copied_at_once_ * line_pixels_;
  for (int64_t pixel = lines.begin * line_width_; pixel < end; pixel += step)
    run_part({pixel, std::min(end, pixel + step), 0, std::ssize(panels_)}, call, memory,
             call.scratch, stages_);
}

}  // namespace

std::unique_ptr<Kernel> make_dot(const Problem& problem) { return std::make_unique<Dot>(problem); }

bool multiplies_bytes(Isa isa) { return dot_fns(isa).element_bytes == 1; }

}  // namespace hone::kernels

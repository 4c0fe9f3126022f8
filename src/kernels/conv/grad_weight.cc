// "conv.direct" of conv2d_grad_weight: a sum over the pixels of the whole batch, for each tap a
// matrix product of the image, shifted by the tap, and dy.
//
// Rows of the weight (a tap and an input channel) are cut into chunks, with one panel of output
// channels each. A chunk's sums stay in L1 while the shard's pixels go by, a few lines at a time,
// so that these are in L1 too for every tile of the chunk. Shards are folded over their tree; where
// chunks are few, aligned groups of shards are items of their own. A last step folds these and runs
// the epilogue.
#include <algorithm>
#include <bit>
#include <optional>

#include "base/shards.h"
#include "kernels/blocks.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/geometry.h"
#include "kernels/conv/micro.h"
#include "kernels/eltwise/tile_program.h"

namespace hone::kernels {
namespace {

constexpr int64_t kMostChunkRows = 48, kLeastChunkRows = 6;
constexpr int64_t kLinesBytes = 16 << 10;  // of x and dy that pass by at a time
constexpr int64_t kLeastPixels = 48;       // and no fewer pixels than this
constexpr int64_t kEnoughItems = 16;
constexpr int64_t kLastStepItem = 1 << 13;  // elements of the weight

class ConvGradWeight final : public Kernel {
 public:
  explicit ConvGradWeight(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override {
    return ((shard_groups_ - 1) * weight_floats() + threads_ * scratch_floats_) *
           int64_t{sizeof(float)};
  }

 private:
  /// Rows of the weight whose taps meet padding at the same outputs.
  struct Rows {
    Range lines, pixels;          // the outputs that count
    std::vector<int64_t> x_at;    // where each row reads, from where tap 0 of an output reads
    std::vector<int64_t> weight;  // the number of each row in the weight
  };
  struct Chunk {
    size_t rows;
    int64_t begin, end;  // of the rows
    int64_t group;
    ir::ColumnCut::Panel panel;
  };

  int64_t weight_rows() const { return d_.kh * d_.kw * d_.group_c(); }
  int64_t weight_floats() const { return round_up(weight_rows() * d_.o, 16); }
  int64_t slot_floats() const { return kMostChunkRows * fns_.weight_vectors * fns_.lanes; }

  void collect_rows();
  void cut_chunks();
  void add_shard(const Chunk& chunk, const float* x, const float* dy, int64_t shard,
                 float* sums) const;
  void fold_chunk(const Chunk& chunk, const float* x, const float* dy, int64_t first_shard,
                  int64_t shards, float* slots, float* weight) const;
  void fold_groups(float* weight, float* others, Range range) const;

  const ConvFns& fns_;
  ir::ConvDims d_;
  int64_t threads_;
  bool depthwise_;
  Sharding sharding_;
  int64_t shards_;  // present
  std::vector<Rows> rows_;
  std::vector<Chunk> chunks_;
  int64_t group_shards_ = 1;  // in a group, a power of two
  int64_t shard_groups_ = 1;
  int64_t scratch_floats_ = 0;  // of a worker: slots of sums, and later the epilogue's tiles
  std::optional<TileProgram> epilogue_;
};

ConvGradWeight::ConvGradWeight(const Problem& problem)
    : fns_(conv_fns(problem.isa)),
      d_(ir::conv_dims(problem.operands[0].shape, problem.results[0].shape, problem.attrs())),
      threads_(problem.threads),
      depthwise_(d_.groups > 1 && d_.group_c() == 1 && d_.group_o() == 1),
      sharding_{problem.attrs().integer("batch", std::max<int64_t>(1, d_.n)),
                problem.attrs().integer("shards", 1)},
      shards_(sharding_.present(d_.n)) {
  collect_rows();
  cut_chunks();
  const int64_t most_shards = std::max<int64_t>(1, shards_);
  const int64_t wanted = ceil_div(kEnoughItems, std::max<int64_t>(1, std::ssize(chunks_)));
  group_shards_ =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(ceil_div(most_shards, wanted))));
  shard_groups_ = ceil_div(most_shards, group_shards_);
  scratch_floats_ = std::bit_width(static_cast<uint64_t>(group_shards_)) * slot_floats();
  epilogue_ = TileProgram::epilogue_of(problem);
  if (epilogue_) {
    scratch_floats_ = std::max(scratch_floats_,
                               round_up(epilogue_->scratch_bytes(), 64) / int64_t{sizeof(float)});
  }
}

void ConvGradWeight::collect_rows() {
  const AxisFilter rows = filter_rows(d_);
  const AxisFilter cols = filter_cols(d_);
  for (int64_t kh = 0; kh < d_.kh; ++kh)
    for (int64_t kw = 0; kw < d_.kw; ++kw) {
      const Range lines = outputs_of_tap(rows, kh, d_.h, d_.oh);
      const Range pixels = outputs_of_tap(cols, kw, d_.w, d_.ow);
      auto group = std::find_if(rows_.begin(), rows_.end(), [&](const Rows& g) {
        return g.lines == lines && g.pixels == pixels;
      });
      if (group == rows_.end()) group = rows_.insert(group, {lines, pixels, {}, {}});
      for (int64_t c = 0; c < d_.group_c(); ++c) {
        group->x_at.push_back((kh * d_.dilation_h * d_.w + kw * d_.dilation_w) * d_.c + c);
        group->weight.push_back((kh * d_.kw + kw) * d_.group_c() + c);
      }
    }
}

void ConvGradWeight::cut_chunks() {
  const int64_t groups = depthwise_ ? 1 : d_.groups;
  const ir::ColumnCut cut{d_.o / groups, fns_.lanes, fns_.weight_vectors};
  int64_t all_rows = 0;
  for (const Rows& rows : rows_) all_rows += std::ssize(rows.weight);
  const int64_t chunk_rows =
      std::clamp(all_rows * groups * cut.panels() / kEnoughItems, kLeastChunkRows, kMostChunkRows);
  for (int64_t p = 0; p < groups * cut.panels(); ++p)
    for (size_t i = 0; i < rows_.size(); ++i) {
      const int64_t rows = std::ssize(rows_[i].weight);
      const int64_t chunks = ceil_div(rows, chunk_rows);
      for (int64_t c = 0; c < chunks; ++c)
        chunks_.push_back({i, c * rows / chunks, (c + 1) * rows / chunks, p / cut.panels(),
                           cut.panel(p % cut.panels())});
    }
}

// Goes on with a chunk's chains over the samples of one shard.
void ConvGradWeight::add_shard(const Chunk& chunk, const float* x, const float* dy, int64_t shard,
                               float* sums) const {
  const Rows& rows = rows_[chunk.rows];
  const int64_t column = chunk.group * d_.group_o() + chunk.panel.begin;
  const int64_t channel = depthwise_ ? column : chunk.group * d_.group_c();
  const int64_t pixels = rows.pixels.end - rows.pixels.begin;
  if (pixels <= 0) return;
  const int64_t channels_read =
      std::min(d_.c, depthwise_ ? chunk.panel.size : chunk.end - chunk.begin);
  const int64_t line_bytes =
      (d_.w * d_.stride_h * channels_read + pixels * chunk.panel.size) * int64_t{sizeof(float)};
  const int64_t lines_at_once =
      std::max({int64_t{1}, kLinesBytes / line_bytes, ceil_div(kLeastPixels, pixels)});
  const auto add = depthwise_ ? fns_.weight_depthwise : fns_.weight;
  const int64_t end = sharding_.end(shard, d_.n);
  for (int64_t n = sharding_.begin(shard); n < end; ++n)
    for (int64_t line = rows.lines.begin; line < rows.lines.end; line += lines_at_once) {
      const int64_t h = line * d_.stride_h - d_.pad_top;
      const int64_t w = rows.pixels.begin * d_.stride_w - d_.pad_left;
      add({x, ((n * d_.h + h) * d_.w + w) * d_.c + channel, d_.stride_h * d_.w * d_.c,
           d_.stride_w * d_.c, rows.x_at.data() + chunk.begin, chunk.end - chunk.begin,
           dy + ((n * d_.oh + line) * d_.ow + rows.pixels.begin) * d_.o + column, d_.ow * d_.o,
           d_.o, std::min(lines_at_once, rows.lines.end - line), pixels, sums, chunk.panel.size});
    }
}

void ConvGradWeight::fold_chunk(const Chunk& chunk, const float* x, const float* dy,
                                int64_t first_shard, int64_t shards, float* slots,
                                float* weight) const {
  const int64_t row_floats = chunk.panel.pitch;
  const int64_t floats = (chunk.end - chunk.begin) * row_floats;
  const auto slot = [&](int64_t i) { return slots + i * slot_floats(); };
  std::fill_n(slots, floats, 0.0f);  // the result where no shard is present
  tree_fold(
      shards,
      [&](int64_t s, int to) {
        std::fill_n(slot(to), floats, 0.0f);
        add_shard(chunk, x, dy, first_shard + s, slot(to));
      },
      [&](int into, int from) {
        float* a = slot(into);
        const float* b = slot(from);
        for (int64_t i = 0; i < floats; ++i) a[i] += b[i];
      });
  const int64_t column = chunk.group * d_.group_o() + chunk.panel.begin;
  const int64_t* row = rows_[chunk.rows].weight.data() + chunk.begin;
  for (int64_t r = 0; r < chunk.end - chunk.begin; ++r)
    std::copy_n(slots + r * row_floats, chunk.panel.size, weight + row[r] * d_.o + column);
}

// Folds what the groups of shards gave, in place: the first one's sums are the result.
void ConvGradWeight::fold_groups(float* weight, float* others, Range range) const {
  float* stack[kMaxTreeDepth + 1];
  tree_fold(
      shard_groups_,
      [&](int64_t i, int to) { stack[to] = i == 0 ? weight : others + (i - 1) * weight_floats(); },
      [&](int into, int from) {
        for (int64_t i = range.begin; i < range.end; ++i) stack[into][i] += stack[from][i];
      });
}

void ConvGradWeight::run(const Call& call) const noexcept {
  const float* x = call.operands[0].as<float>();
  const float* dy = call.operands[1].as<float>();
  float* weight = call.results[0].as<float>();
  float* others = reinterpret_cast<float*>(call.workspace);
  float* scratches = others + (shard_groups_ - 1) * weight_floats();
  const int64_t chunks = std::ssize(chunks_);
  call.pool->run(chunks * shard_groups_, [&](int64_t item, int worker) {
    const int64_t group = item / chunks;
    const int64_t first = group * group_shards_;
    fold_chunk(chunks_[static_cast<size_t>(item % chunks)], x, dy, first,
               std::min(group_shards_, shards_ - first), scratches + worker * scratch_floats_,
               group == 0 ? weight : others + (group - 1) * weight_floats());
  });
  if (shard_groups_ == 1 && !epilogue_) return;
  const int64_t item_rows = ceil_div(kLastStepItem, std::max<int64_t>(1, d_.o));
  call.pool->run(ceil_div(weight_rows(), item_rows), [&](int64_t item, int worker) {
    const Range rows{item * item_rows, std::min(weight_rows(), (item + 1) * item_rows)};
    fold_groups(weight, others, {rows.begin * d_.o, rows.end * d_.o});
    if (!epilogue_) return;
    const Accumulator sums{weight + rows.begin * d_.o, d_.o};
    epilogue_->run({rows.begin, rows.end - rows.begin, 0, d_.o}, call.operands.subspan(2),
                   call.results, reinterpret_cast<std::byte*>(scratches + worker * scratch_floats_),
                   &sums);
  });
}

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_weight(const Problem& problem) {
  return std::make_unique<ConvGradWeight>(problem);
}

}  // namespace hone::kernels

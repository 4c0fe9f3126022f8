// "conv.direct" of conv2d_grad_weight: a sum over the pixels of the whole batch, for each tap a
// matrix product of the image, shifted by the tap, and dy.
//
// The weight is cut into chunks: some input channels and taps of one panel of output channels. A
// chunk's sums stay in L1 while pixels go by, a few lines at a time, so that these are in L1 too
// for all of the chunk's taps. An item has several chunks, whose sums stay in L2, as does each
// block of pixels, which passes by all of them. Shards are folded over their tree; where chunks are
// few, aligned groups of shards are items of their own, which a last step folds. An epilogue, such
// as the weight's update, is applied to a chunk that is done, or to all chunks in the last step. It
// may write over a weight that it reads, so that sums lie apart until then.
#include <algorithm>
#include <bit>
#include <optional>

#include "base/function_ref.h"
#include "base/shards.h"
#include "kernels/blocks.h"
#include "kernels/conv/conv.h"
#include "kernels/conv/geometry.h"
#include "kernels/conv/micro.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/epilogue.h"
#include "kernels/movement/simd.h"

namespace hone::kernels {
namespace {

constexpr int64_t kChunkFloats = 3456;  // sums of a chunk; whole tiles' rows, whatever the panel
constexpr int64_t kLeastChannels = 6;   // of a chunk; then its taps are cut
constexpr int64_t kKeptImages = 256 << 10;  // floats of x and dy that stay in L2 by themselves
constexpr int64_t kItemFloats = 64 << 10;   // sums of an item
constexpr int64_t kBlockBytes = 256 << 10;  // of x and dy that pass by an item's chunks at a time
constexpr int64_t kLinesBytes = 16 << 10;   // and by the taps of a chunk
constexpr int64_t kLineBytes = 64;    // that a pixel of x takes of a cache, however few it has
constexpr int64_t kLeastPixels = 48;  // and no fewer pixels than this
constexpr int64_t kItemsPerThread = 2;
constexpr int64_t kLastStepItem = 1 << 13;  // elements of the weight

/// Lines of the output of some samples: a part of the batch, or how many of each such a part has.
struct Pixels {
  Range samples, lines;
};

// Calls f for each part of `all`, in the order of the chains.
template <class F>
void for_each_part(const Pixels& all, const Pixels& part, F&& f) {
  const auto next = [](Range all_of, int64_t begin, Range part_of) {
    return Range{begin, std::min(all_of.end, begin + part_of.size())};
  };
  for (int64_t n = all.samples.begin; n < all.samples.end; n += part.samples.size())
    for (int64_t line = all.lines.begin; line < all.lines.end; line += part.lines.size())
      f(Pixels{next(all.samples, n, part.samples), next(all.lines, line, part.lines)});
}

class ConvGradWeight final : public Kernel {
 public:
  explicit ConvGradWeight(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override {
    return apart_weights() * weight_floats() * int64_t{sizeof(float)};
  }
  int64_t scratch_bytes() const override { return scratch_floats_ * int64_t{sizeof(float)}; }

 private:
  /// Taps of a chunk that meet padding at the same outputs.
  struct TapClass {
    Range lines, pixels;  // the outputs that count
    std::vector<int64_t> taps;
    std::vector<WeightRow> rows;  // channel by channel, for as many as a chunk has at most
  };
  /// Taps that one chunk has.
  struct TapPart {
    Range taps;
    std::vector<TapClass> classes;
  };
  struct Chunk {
    int64_t group;
    ir::ColumnCut::Panel panel;
    size_t part;
    Range channels;  // of the group
  };

  int64_t taps() const { return d_.kh * d_.kw; }
  int64_t weight_floats() const { return round_up(d_.o * d_.group_c() * taps(), 16); }
  /// How many weights of sums the last step folds that are not the result.
  int64_t apart_weights() const { return shard_groups_ - 1 + (epilogue_ && !by_chunk_); }
  int64_t items() const { return ceil_div(std::ssize(chunks_), item_chunks_); }
  int64_t chunk_floats() const { return chunk_rows_ * panel_floats_; }
  int64_t slot_floats() const { return item_chunks_ * chunk_floats(); }
  Pixels passing(int64_t line_bytes, int64_t bytes) const;

  void cut_chunks();
  TapPart tap_part(Range taps, int64_t channels) const;
  void add_pixels(const Chunk& chunk, const float* x, const float* dy, const Pixels& pixels,
                  float* sums) const;
  void add_shard(Range chunks, const float* x, const float* dy, int64_t shard, float* sums) const;
  void fold(Range chunks, const float* x, const float* dy, Range shards, float* slots) const;
  void store(const Chunk& chunk, const float* sums, float* weight) const;
  void finish(const Chunk& chunk, const float* sums, const Call& call, float* scratch) const;
  void last_step(const Call& call, FunctionRef<float*(int64_t)> sums_of) const;

  const ConvFns& fns_;
  Isa isa_;
  ir::ConvDims d_;
  int64_t threads_;
  bool depthwise_;
  Sharding sharding_;
  int64_t shards_;  // present
  std::vector<TapPart> parts_;
  std::vector<Chunk> chunks_;
  int64_t panel_floats_ = 0, chunk_rows_ = 0;  // at most
  int64_t item_chunks_ = 1;
  int64_t group_shards_ = 1;  // in a group, a power of two
  int64_t shard_groups_ = 1;
  int64_t slots_floats_ = 0;    // of a worker: slots of sums...
  int64_t scratch_floats_ = 0;  // ... and what an epilogue needs, beside them or later
  std::optional<TileProgram> epilogue_;
  // The epilogue sees the weight as a matrix [O, C * kh * kw], and a chunk as a block of it.
  bool by_chunk_ = false;
};

ConvGradWeight::ConvGradWeight(const Problem& problem)
    : fns_(conv_fns(problem.isa)),
      isa_(problem.isa),
      d_(ir::conv_dims(problem.operands[0].shape, problem.results[0].shape, problem.attrs())),
      threads_(problem.threads),
      depthwise_(d_.groups > 1 && d_.group_c() == 1 && d_.group_o() == 1),
      sharding_{problem.attrs().integer("batch", std::max<int64_t>(1, d_.n)),
                problem.attrs().integer("shards", 1)},
      shards_(sharding_.present(d_.n)) {
  cut_chunks();
  const int64_t most_shards = std::max<int64_t>(1, shards_);
  const int64_t wanted = ceil_div(kItemsPerThread * threads_, std::max<int64_t>(1, items()));
  group_shards_ =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(ceil_div(most_shards, wanted))));
  shard_groups_ = ceil_div(most_shards, group_shards_);
  slots_floats_ =
      round_up(std::bit_width(static_cast<uint64_t>(group_shards_)) * slot_floats(), 16);
  scratch_floats_ = slots_floats_;
  if (!problem.attrs().has("epilogue")) return;
  const std::optional<ir::Graph> body =
      reshaped_body(*problem.attrs().get<ir::Region>("epilogue"), {d_.o, d_.group_c() * taps()});
  by_chunk_ = body && shard_groups_ == 1 && parts_.size() == 1;
  epilogue_ = by_chunk_ ? TileProgram(*body, isa_) : TileProgram::epilogue_of(problem);
  const int64_t tiles = round_up(epilogue_->scratch_bytes(), 64) / int64_t{sizeof(float)};
  scratch_floats_ = by_chunk_ ? slots_floats_ + round_up(chunk_floats(), 16) + tiles
                              : std::max(slots_floats_, tiles);
}

// As many channels as the chunk's sums have place for; taps are cut where even few have none.
void ConvGradWeight::cut_chunks() {
  const int64_t groups = depthwise_ ? 1 : d_.groups;
  const ir::ColumnCut cut{d_.o / groups, fns_.lanes, fns_.weight_vectors};
  if (cut.panels() == 0 || d_.group_c() == 0) return;
  for (int64_t p = 0; p < cut.panels(); ++p)
    panel_floats_ = std::max(panel_floats_, cut.panel(p).pitch);
  const int64_t rows = kChunkFloats / panel_floats_;
  const int64_t most = std::max(kLeastChannels, rows / taps() / kLeastChannels * kLeastChannels);
  const int64_t cuts = ceil_div(d_.group_c(), most);
  const int64_t channels = ceil_div(d_.group_c(), cuts);
  const int64_t parts = ceil_div(taps() * channels, 2 * rows);
  for (int64_t i = 0; i < parts; ++i) {
    const Range taps_of_part{i * taps() / parts, (i + 1) * taps() / parts};
    parts_.push_back(tap_part(taps_of_part, channels));
    chunk_rows_ = std::max(chunk_rows_, taps_of_part.size() * channels);
  }
  for (int64_t p = 0; p < groups * cut.panels(); ++p)
    for (int64_t c = 0; c < cuts; ++c)
      for (size_t i = 0; i < parts_.size(); ++i)
        chunks_.push_back({p / cut.panels(),
                           cut.panel(p % cut.panels()),
                           i,
                           {c * d_.group_c() / cuts, (c + 1) * d_.group_c() / cuts}});
  const int64_t images = d_.n * (d_.h * d_.w * d_.c + d_.oh * d_.ow * d_.o);
  if (images <= kKeptImages) return;
  const int64_t shared = ceil_div(std::ssize(chunks_), kItemsPerThread * threads_);
  item_chunks_ = std::clamp<int64_t>(kItemFloats / chunk_floats(), 1, shared);
}

ConvGradWeight::TapPart ConvGradWeight::tap_part(Range taps, int64_t channels) const {
  TapPart part{taps, {}};
  for (int64_t tap = taps.begin; tap < taps.end; ++tap) {
    const Range lines = outputs_of_tap(filter_rows(d_), tap / d_.kw, d_.h, d_.oh);
    const Range pixels = outputs_of_tap(filter_cols(d_), tap % d_.kw, d_.w, d_.ow);
    if (lines.size() <= 0 || pixels.size() <= 0) continue;
    auto found = std::ranges::find_if(
        part.classes, [&](const TapClass& c) { return c.lines == lines && c.pixels == pixels; });
    if (found == part.classes.end()) found = part.classes.insert(found, {lines, pixels, {}, {}});
    found->taps.push_back(tap);
  }
  for (TapClass& found : part.classes)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t tap : found.taps) {
        const int64_t place = tap / d_.kw * d_.dilation_h * d_.w + tap % d_.kw * d_.dilation_w;
        found.rows.push_back(
            {place * d_.c + c, (c * taps.size() + tap - taps.begin) * panel_floats_});
      }
  return part;
}

// Lines at a time, each of so many bytes, then samples: as many as have that many bytes.
Pixels ConvGradWeight::passing(int64_t line_bytes, int64_t bytes) const {
  const auto at_once = [&](int64_t unit_bytes, int64_t unit_pixels) {
    return std::max({int64_t{1}, bytes / unit_bytes, ceil_div(kLeastPixels, unit_pixels)});
  };
  const int64_t lines = at_once(line_bytes, d_.ow);
  if (lines < d_.oh) return {{0, 1}, {0, lines}};
  return {{0, at_once(line_bytes * d_.oh, d_.oh * d_.ow)}, {0, d_.oh}};
}

// Goes on with a chunk's chains.
void ConvGradWeight::add_pixels(const Chunk& chunk, const float* x, const float* dy,
                                const Pixels& pixels, float* sums) const {
  const int64_t column = chunk.group * d_.group_o() + chunk.panel.begin;
  const int64_t channel = depthwise_ ? column : chunk.group * d_.group_c() + chunk.channels.begin;
  const int64_t x_sample = d_.h * d_.w * d_.c, dy_sample = d_.oh * d_.ow * d_.o;
  const auto add = depthwise_ ? fns_.weight_depthwise : fns_.weight;
  for (const TapClass& taps : parts_[chunk.part].classes) {
    const int64_t line = std::max(pixels.lines.begin, taps.lines.begin);
    const int64_t lines = std::min(pixels.lines.end, taps.lines.end) - line;
    if (lines <= 0) continue;
    const int64_t h = line * d_.stride_h - d_.pad_top;
    const int64_t w = taps.pixels.begin * d_.stride_w - d_.pad_left;
    add({.x = x,
         .x_at = pixels.samples.begin * x_sample + (h * d_.w + w) * d_.c + channel,
         .x_sample = x_sample,
         .x_line = d_.stride_h * d_.w * d_.c,
         .x_pixel = d_.stride_w * d_.c,
         .row = taps.rows.data(),
         .rows = std::ssize(taps.taps) * chunk.channels.size(),
         .dy = dy + pixels.samples.begin * dy_sample + (line * d_.ow + taps.pixels.begin) * d_.o +
               column,
         .dy_sample = dy_sample,
         .dy_line = d_.ow * d_.o,
         .dy_pixel = d_.o,
         .samples = pixels.samples.size(),
         .lines = lines,
         .pixels = taps.pixels.size(),
         .sums = sums,
         .cols = chunk.panel.size});
  }
}

// Goes on with the chains of some chunks over the samples of one shard.
void ConvGradWeight::add_shard(Range chunks, const float* x, const float* dy, int64_t shard,
                               float* sums) const {
  constexpr int64_t kFloat = sizeof(float);
  const Pixels all{{sharding_.begin(shard), sharding_.end(shard, d_.n)}, {0, d_.oh}};
  // What these chunks read of a line of x and of dy.
  const Chunk& first = chunks_[static_cast<size_t>(chunks.begin)];
  const Chunk& last = chunks_[static_cast<size_t>(chunks.end - 1)];
  const int64_t columns = (last.group - first.group) * d_.group_o() + last.panel.begin +
                          last.panel.size - first.panel.begin;
  const bool one_panel = columns == first.panel.size;
  const int64_t read = depthwise_  ? columns
                       : one_panel ? last.channels.end - first.channels.begin
                                   : d_.c;
  const Pixels block = passing((d_.w * d_.stride_h * read + d_.ow * columns) * kFloat, kBlockBytes);
  for_each_part(all, block, [&](const Pixels& pixels) {
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
      const Chunk& chunk = chunks_[static_cast<size_t>(i)];
      const int64_t channels = depthwise_ ? chunk.panel.size : chunk.channels.size();
      const int64_t pixel_bytes = std::min(d_.c * kFloat, std::max(kLineBytes, channels * kFloat));
      const int64_t line_bytes =
          d_.w * d_.stride_h * pixel_bytes + d_.ow * chunk.panel.size * kFloat;
      float* own = sums + (i - chunks.begin) * chunk_floats();
      for_each_part(pixels, passing(line_bytes, kLinesBytes),
                    [&](const Pixels& part) { add_pixels(chunk, x, dy, part, own); });
    }
  });
}

// The sums of some chunks over some shards, in the first slot.
void ConvGradWeight::fold(Range chunks, const float* x, const float* dy, Range shards,
                          float* slots) const {
  const int64_t floats = chunks.size() * chunk_floats();
  const auto slot = [&](int64_t i) { return slots + i * slot_floats(); };
  std::fill_n(slots, floats, 0.0f);  // the result where no shard is present
  tree_fold(
      shards.size(),
      [&](int64_t s, int to) {
        std::fill_n(slot(to), floats, 0.0f);
        add_shard(chunks, x, dy, shards.begin + s, slot(to));
      },
      [&](int into, int from) {
        float* a = slot(into);
        const float* b = slot(from);
        for (int64_t i = 0; i < floats; ++i) a[i] += b[i];
      });
}

// Turns sums, whose columns are output channels, into rows of a weight.
void ConvGradWeight::store(const Chunk& chunk, const float* sums, float* weight) const {
  const Range part = parts_[chunk.part].taps;
  const int64_t row_floats = d_.group_c() * taps();
  float* to = weight + (chunk.group * d_.group_o() + chunk.panel.begin) * row_floats +
              chunk.channels.begin * taps() + part.begin;
  const int64_t pieces = part.size() == taps() ? 1 : chunk.channels.size();
  const int64_t rows = part.size() * chunk.channels.size() / pieces;
  for (int64_t i = 0; i < pieces; ++i)
    transpose_floats(isa_, sums + i * rows * panel_floats_, panel_floats_, to + i * taps(),
                     row_floats, chunk.panel.size, rows);
}

// Applies the epilogue to a chunk's sums.
void ConvGradWeight::finish(const Chunk& chunk, const float* sums, const Call& call,
                            float* scratch) const {
  const int64_t rows = taps() * chunk.channels.size();
  transpose_floats(isa_, sums, panel_floats_, scratch, rows, chunk.panel.size, rows);
  const Accumulator turned{scratch, rows};
  epilogue_->run({chunk.group * d_.group_o() + chunk.panel.begin, chunk.panel.size,
                  chunk.channels.begin * taps(), rows},
                 call.operands.subspan(2), call.results,
                 reinterpret_cast<std::byte*>(scratch + round_up(chunk_floats(), 16)), &turned);
}

// Folds what the groups of shards gave, into the first, and applies the epilogue. The weight is
// seen as its lines, which that takes as rows.
void ConvGradWeight::last_step(const Call& call, FunctionRef<float*(int64_t)> sums_of) const {
  const int64_t lines = d_.o * d_.group_c() * d_.kh, item_lines = ceil_div(kLastStepItem, d_.kw);
  call.pool->run(ceil_div(lines, item_lines), [&](int64_t item, int worker) {
    const Range part{item * item_lines, std::min(lines, (item + 1) * item_lines)};
    float* stack[kMaxTreeDepth + 1];
    tree_fold(
        shard_groups_, [&](int64_t i, int to) { stack[to] = sums_of(i); },
        [&](int into, int from) {
          for (int64_t i = part.begin * d_.kw; i < part.end * d_.kw; ++i)
            stack[into][i] += stack[from][i];
        });
    if (!epilogue_) return;
    const Accumulator sums{sums_of(0) + part.begin * d_.kw, d_.kw};
    epilogue_->run({part.begin, part.size(), 0, d_.kw}, call.operands.subspan(2), call.results,
                   call.scratch_of(worker), &sums);
  });
}

void ConvGradWeight::run(const Call& call) const noexcept {
  const float* x = call.operands[0].as<float>();
  const float* dy = call.operands[1].as<float>();
  float* apart = reinterpret_cast<float*>(call.workspace);
  const int64_t in_result = shard_groups_ - apart_weights();
  const auto sums_of = [&](int64_t group) {
    return group < in_result ? call.results[0].as<float>()
                             : apart + (group - in_result) * weight_floats();
  };
  call.pool->run(items() * shard_groups_, [&](int64_t item, int worker) {
    const int64_t group = item / items(), first = item % items() * item_chunks_;
    const Range chunks{first, std::min(std::ssize(chunks_), first + item_chunks_)};
    const Range shards{group * group_shards_, std::min(shards_, (group + 1) * group_shards_)};
    float* slots = reinterpret_cast<float*>(call.scratch_of(worker));
    fold(chunks, x, dy, shards, slots);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
      const Chunk& chunk = chunks_[static_cast<size_t>(i)];
      const float* sums = slots + (i - chunks.begin) * chunk_floats();
      if (by_chunk_) finish(chunk, sums, call, slots + slots_floats_);
      else store(chunk, sums, sums_of(group));
    }
  });
  if (shard_groups_ > 1 || (epilogue_ && !by_chunk_)) last_step(call, sums_of);
}

}  // namespace

std::unique_ptr<Kernel> make_conv_grad_weight(const Problem& problem) {
  return std::make_unique<ConvGradWeight>(problem);
}

}  // namespace hone::kernels

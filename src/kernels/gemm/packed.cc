// "gemm.packed": the blocked matrix product.
//
// The result is cut into blocks, which are the items of the parallel loop. Where reuse pays for it,
// operands are packed into panels (kernels/gemm/micro.h): b beforehand, or each panel just before
// its use where a single block reads it; the rows of a by each block. A block takes the chain in
// chunks of steps, so that one panel of b stays in L1 while all the block's rows of a, which stay
// in L2, pass by it; from chunk to chunk a chain goes on from what the result holds, so that chunks
// do not touch the bits. A sum over a batch takes the shard tree tile by tile. The commonest
// epilogues are applied by the tiles, in registers; others run in place on a block that is done;
// where the result is written over what the epilogue reads, such as a weight's next value over the
// weight, the block is in memory of its own until then. Matrices beside each other are the
// outermost items of the same loops; where all of them meet one b, their rows are those of one
// matrix. A narrow result, whose rows would leave most of a vector empty, is computed as its
// transpose where a's rows lie side by side: the operands change places, and tiles are transposed
// as they are stored. A first operand of bytes is packed as the floats that they stand for.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "base/shards.h"
#include "ir/infer.h"
#include "kernels/blocks.h"
#include "kernels/eltwise/broadcast.h"
#include "kernels/eltwise/tile_program.h"
#include "kernels/epilogue.h"
#include "kernels/gemm/gemm.h"
#include "kernels/gemm/micro.h"
#include "kernels/strided.h"

namespace hone::kernels {
namespace {

constexpr int64_t kAlignedFloats = 16;  // 64 bytes
constexpr int64_t kChunk = 384;         // steps of the chain
constexpr int64_t kBlockRows = 224, kBlockCols = 256;
constexpr int64_t kPackingBlockCols = 1024;        // a block that packs its a makes more of it
constexpr int64_t kBlocksPerThread = 8;            // at least, to share them out evenly...
constexpr int64_t kLeastBlock = int64_t{1} << 15;  // ... unless it had fewer FMAs of vectors
// The same where larger blocks go round the threads: smaller ones read, and pack, more often.
constexpr int64_t kLeastOfEven = int64_t{1} << 22;
// Blocks whose panels come packed are larger: each is read once for all its rows.
constexpr int64_t kLeastPanels = int64_t{1} << 20;
// Smaller where weights exceed a core's cache: each thread's part may fit its own.
constexpr int64_t kLeastStreamedFloats = int64_t{1} << 16;
constexpr int64_t kPackItem = int64_t{1} << 14;  // elements that one item packs at least
// Reuse that pays for packing. A transposed a already has the rows of a tile side by side.
constexpr int64_t kPackAFromCols = 160, kPackTransposedAFromCols = 512, kPackBFromRows = 96;
constexpr int64_t kPlainB = 4096;    // so many floats stay in L1 as they lie, beside all else
constexpr int64_t kWholeStrips = 2;  // cut first: an epilogue takes several whole rows at once
// A result is turned if that takes at most 4/5 of the vectors.
constexpr int64_t kTurnedVectors = 5, kVectors = 4;
// Rows so many floats apart meet in one set of the L1 cache, which may have as few as so many ways.
constexpr int64_t kAliasedRow = 1024, kWays = 8;

// The panels of one matrix b, or of its transpose.
ir::PanelFormat gemm_panels(const Shape& b, bool trans, const GemmFns& fns) {
  const int64_t depth = b[b.rank() - (trans ? 1 : 2)], cols = b[b.rank() - (trans ? 2 : 1)];
  return {b,
          {1, 0},
          {1, 0},
          {depth, trans ? 1 : cols},
          {cols, trans ? depth : 1},
          fns.lanes,
          fns.max_cols / fns.lanes};
}

using Columns = ir::PanelFormat::Columns;

class PackedGemm final : public Kernel {
 public:
  explicit PackedGemm(const Problem& problem);
  void run(const Call& call) const noexcept override;
  int64_t workspace_bytes() const override {
    return pack_first_ ? b_matrices_ * packed_b_floats_ * int64_t{sizeof(float)} : 0;
  }
  int64_t scratch_bytes() const override {
    return epilogue_at_ * int64_t{sizeof(float)} + (epilogue_ ? epilogue_->scratch_bytes() : 0);
  }

 private:
  struct Memory {
    const float* a;
    const float* b;
    const uint8_t* bytes;  // in place of a or, turned, of b
    float* c;
    float* packed_b;
    int64_t row = 0;  // of the results, taken as one matrix, where this one begins
    // Of the worker:
    float* packed_a = nullptr;
    float* turned = nullptr;  // a tile before it is transposed
    float* apart = nullptr;   // where blocks are computed until their epilogue; null: in the result
    std::byte* epilogue = nullptr;
  };

  // Where a block's chains lie.
  struct Target {
    float* c;          // the block's first element
    int64_t row, col;  // its place among those of the products as they are computed
    int64_t c_row, c_col;
    std::optional<FinishTile> finish = {};  // what becomes of them, for the first column of all

    float* at(int64_t r, int64_t j) const { return c + (r - row) * c_row + (j - col) * c_col; }
  };

  // A strip is the rows of one tile, a panel its columns. Strips are as even as they can be.
  Range strip(int64_t i) const { return even_part(i, strips_, m_); }
  bool sharded() const { return shard_ends_.size() > 1; }
  // A ragged panel is always packed, so that whole vectors can be read.
  bool is_packed(const Columns& panel) const { return pack_b_ || panel.size != panel.pitch; }

  const Columns& columns(int64_t panel) const { return columns_[static_cast<size_t>(panel)]; }
  void cut_blocks(int threads);
  Memory matrices(Memory at, int64_t a, int64_t b) const;
  void pack_bytes(const uint8_t* from, int64_t step, int64_t width, int64_t depth, float* packed,
                  int64_t pitch) const {
    fns_.pack_bytes({zero_, scale_, from, step, width, depth, packed, pitch});
  }
  void pack_panel(const Memory& at, const Columns& panel, Range steps, float* packed) const;
  void read_a(Tile& tile, const Memory& at, Range rows, int64_t first, Range steps,
              bool meets) const;
  void block(const Call& call, const Memory& at, Range strips, Range panels) const;
  void panel_of_block(const Memory& at, const Target& to, Range strips, int64_t panel, Range steps,
                      bool meets) const;
  static bool may_need_apart(const Problem& problem);
  static bool needs_apart(const Call& call);
  Memory with_scratch(Memory at, std::byte* scratch, bool apart) const;
  bool pays_to_turn(const ir::MatmulDims& d) const;
  void compute(const Tile& tile, int64_t rows) const {
    if (sharded()) fns_.shards(rows, tile, shard_ends_);
    else fns_.tile(rows, tile);
  }
  void turned_tile(Tile tile, Range rows, const Columns& cols, const Memory& at,
                   const Target& to) const;
  int64_t row_panels(int64_t first, int64_t end) const;
  void row_of_block(const Memory& at, const Target& to, int64_t first, int64_t count, Range steps,
                    bool meets) const;

  const GemmFns& fns_;
  ir::PanelFormat format_;  // of b
  float zero_, scale_;      // of bytes
  bool turned_ = false;     // a, b and the sides below are those of the transpose
  bool bytes_a_, bytes_b_;  // which of them is the first operand, if that is of bytes
  int64_t m_, n_, depth_;
  Strided a_of_, b_of_;  // which matrix of an operand each product reads
  int64_t products_, b_matrices_;
  int64_t a_row_, a_step_, b_step_, b_col_;
  std::vector<int64_t> shard_ends_;  // of steps; one where the sum has no shards
  int64_t strips_, panels_;
  std::vector<Columns> columns_;                 // of each panel
  int64_t block_strips_ = 1, block_panels_ = 1;  // in a block
  bool panels_first_ = false;                    // threads share out b, which is more than a
  bool pack_a_, pack_b_;
  int64_t chunks_, chunk_;
  bool packed_;                          // b comes packed
  bool pack_first_;                      // b is packed beforehand
  int64_t pack_panels_;                  // in an item of packing
  std::optional<Finish> finish_;         // the epilogue, if tiles apply it
  std::optional<TileProgram> epilogue_;  // or else
  int64_t packed_b_floats_;              // of one b, or of what a block packs at once
  // Where a worker's memory has them, in floats; it begins with what a block packs of b.
  int64_t packed_a_at_, turned_at_, apart_at_, epilogue_at_;
};

PackedGemm::PackedGemm(const Problem& problem)
    : fns_(gemm_fns(problem.isa)),
      format_(gemm_panels(problem.operands[1].shape, problem.attrs().flag("trans_b"), fns_)),
      zero_(static_cast<float>(problem.attrs().get_or("zero", 0.0))),
      scale_(static_cast<float>(problem.attrs().get_or("scale", 1.0))) {
  ir::MatmulDims d =
      ir::matmul_dims(problem.operands[0].shape, problem.operands[1].shape, problem.attrs());
  bool trans_a = problem.attrs().flag("trans_a");
  bool trans_b = problem.attrs().flag("trans_b");
  if (!trans_a && d.leading_b.elements() == 1) {
    d.rows *= d.leading.elements();
    d.leading = d.leading_a = d.leading_b = {};
  }
  m_ = d.rows;
  depth_ = d.depth;
  n_ = d.cols;
  a_of_ = {d.leading.dims(), broadcast_strides(d.leading_a, d.leading)};
  b_of_ = {d.leading.dims(), broadcast_strides(d.leading_b, d.leading)};
  products_ = d.leading.elements();
  b_matrices_ = d.leading_b.elements();
  const Sharding sharding{problem.attrs().integer("batch", std::max<int64_t>(1, depth_)),
                          problem.attrs().integer("shards", 1)};
  for (int64_t s = 0; s < sharding.present(depth_); ++s)
    shard_ends_.push_back(sharding.end(s, depth_));
  if (trans_a && !problem.panels && pays_to_turn(d)) {
    turned_ = true;
    std::swap(m_, n_);
    std::swap(a_of_, b_of_);
    b_matrices_ = d.leading_a.elements();
    format_ = gemm_panels(problem.operands[0].shape, false, fns_);
    trans_a = !std::exchange(trans_b, false);
  }
  const bool bytes = problem.operands[0].dtype == DType::u8;
  bytes_a_ = bytes && !turned_;
  bytes_b_ = bytes && turned_;
  a_row_ = trans_a ? 1 : depth_;
  a_step_ = trans_a ? m_ : 1;
  b_step_ = trans_b ? 1 : n_;
  b_col_ = trans_b ? depth_ : 1;

  strips_ = ceil_div(m_, fns_.max_rows);
  panels_ = format_.panels();
  for (int64_t i = 0; i < panels_; ++i) columns_.push_back(format_.columns(i));
  const bool rows_collide = fns_.max_rows > kWays && a_row_ % kAliasedRow == 0;
  pack_a_ = bytes_a_  ? true
            : m_ == 1 ? false
            : trans_a ? n_ >= kPackTransposedAFromCols
                      : n_ >= kPackAFromCols && rows_collide;
  packed_ = problem.panels.has_value();
  pack_b_ = !packed_ && (trans_b || bytes_b_ || (m_ >= kPackBFromRows && depth_ * n_ > kPlainB));
  finish_ = Finish::of(problem);
  if (turned_ || (finish_ && finish_->has_other())) finish_.reset();
  if (!finish_) epilogue_ = TileProgram::epilogue_of(problem);
  cut_blocks(problem.threads);

  const int64_t depth = std::max<int64_t>(1, depth_);
  chunks_ = sharded() ? 1 : ceil_div(depth, kChunk);
  chunk_ = ceil_div(depth, chunks_);
  pack_first_ = pack_b_ && strips_ > block_strips_;
  pack_panels_ = ceil_div(kPackItem, fns_.max_cols * depth);
  packed_b_floats_ = pack_first_ ? format_.elements() : packed_ ? 0 : fns_.max_cols * chunk_;
  const int64_t block_rows = block_strips_ * fns_.max_rows;
  const auto end_of = [](int64_t begin, bool is_needed, int64_t floats) {
    return begin + (is_needed ? round_up(floats, kAlignedFloats) : 0);
  };
  packed_a_at_ = end_of(0, !pack_first_, packed_b_floats_);
  turned_at_ = end_of(packed_a_at_, pack_a_, block_rows * round_up(chunk_, kAlignedFloats));
  apart_at_ = end_of(turned_at_, turned_, fns_.max_rows * fns_.max_cols);
  epilogue_at_ =
      end_of(apart_at_, may_need_apart(problem), block_rows * block_panels_ * fns_.max_cols);
}

bool PackedGemm::pays_to_turn(const ir::MatmulDims& d) const {
  return kTurnedVectors * d.cols * ceil_div(d.rows, fns_.lanes) <=
             kVectors * d.rows * ceil_div(d.cols, fns_.lanes) &&
         (sharded() || d.depth <= kChunk);
}

// Starts from the largest block and cuts it across its longer side; across the panels where b comes
// packed and is the larger matrix, so that a thread finds its part in its cache at every run.
void PackedGemm::cut_blocks(int threads) {
  Side strips = Side::of(strips_, kBlockRows / fns_.max_rows);
  Side panels = Side::of(panels_, (pack_a_ ? kPackingBlockCols : kBlockCols) / fns_.max_cols);
  const int64_t work = products_ * m_ * n_ * depth_;
  const bool whole_rows = epilogue_ && panels.blocks() == 1;
  panels_first_ = packed_ && n_ > m_;
  const bool streams = b_matrices_ * n_ * depth_ * int64_t{sizeof(float)} > core_cache_bytes();
  const int64_t least_panels =
      streams ? std::min(kLeastPanels, kLeastStreamedFloats * m_) : kLeastPanels;
  const auto cut = [&](int64_t enough, int64_t least) {
    kernels::cut_blocks(panels, strips, products_, work, {enough, least}, [&] {
      if (whole_rows && strips.block > kWholeStrips) return false;
      return panels_first_ || panels.block * fns_.max_cols >= strips.block * fns_.max_rows;
    });
  };
  const int64_t least_block = kLeastBlock * fns_.lanes;
  if (!panels_first_) cut(threads, least_block);
  const bool is_even = goes_round(panels, strips, products_, threads);
  cut(threads > 1 ? kBlocksPerThread * threads : 1, panels_first_ ? least_panels
                                                    : is_even     ? kLeastOfEven
                                                                  : least_block);
  block_strips_ = strips.block;
  block_panels_ = panels.block;
}

void PackedGemm::pack_panel(const Memory& at, const Columns& panel, Range steps,
                            float* packed) const {
  if (bytes_b_)
    return pack_bytes(at.bytes + panel.begin + steps.begin * b_step_, b_step_, panel.size,
                      steps.size(), packed, panel.pitch);
  fns_.pack({at.b + panel.begin * b_col_ + steps.begin * b_step_, b_col_, b_step_, panel.size,
             steps.size(), packed, panel.pitch});
}

// Where a tile finds its rows, `first` being the block's. Those that are packed are so when the
// block's first panel meets them, so that they are still in L1.
void PackedGemm::read_a(Tile& tile, const Memory& at, Range rows, int64_t first, Range steps,
                        bool meets) const {
  const int64_t from = rows.begin * a_row_ + steps.begin * a_step_;
  if (!pack_a_) {
    tile.a = at.a + from;
    tile.a_row = a_row_;
    tile.a_step = a_step_;
    return;
  }
  const bool keeps_order = bytes_a_ && a_step_ == 1;
  const int64_t pitch = round_up(steps.size(), kAlignedFloats);
  float* packed = at.packed_a + (panels_ > 1 ? rows.begin - first : 0) * pitch;
  tile.a = packed;
  tile.a_row = keeps_order ? pitch : 1;
  tile.a_step = keeps_order ? 1 : rows.size();
  if (!meets) return;
  if (keeps_order) pack_bytes(at.bytes + from, a_row_, steps.size(), rows.size(), packed, pitch);
  else if (bytes_a_)
    pack_bytes(at.bytes + from, a_step_, rows.size(), steps.size(), packed, rows.size());
  else fns_.pack({at.a + from, a_row_, a_step_, rows.size(), steps.size(), packed, rows.size()});
}

// Computes a tile apart, and stores its transpose.
void PackedGemm::turned_tile(Tile tile, Range rows, const Columns& cols, const Memory& at,
                             const Target& to) const {
  tile.c = at.turned;
  tile.c_row = cols.pitch;
  compute(tile, rows.size());
  fns_.transpose(
      {tile.c, tile.c_row, 1, rows.size(), cols.size, to.at(rows.begin, cols.begin), to.c_col});
}

// The end of the chains in the tiles that begin at a column.
std::optional<FinishTile> finish_at(std::optional<FinishTile> finish, int64_t column) {
  if (finish && finish->bias != nullptr) finish->bias += column;
  return finish;
}

void PackedGemm::panel_of_block(const Memory& at, const Target& to, Range strips, int64_t i,
                                Range steps, bool meets) const {
  const Columns& cols = columns(i);
  const std::optional<FinishTile> finish = finish_at(to.finish, cols.begin);
  Tile tile;
  tile.finish = finish ? &*finish : nullptr;
  tile.b_step = packed_ || is_packed(cols) ? cols.pitch : b_step_;
  if (packed_ || pack_first_) {
    tile.b = (packed_ ? at.b : at.packed_b) + format_.offset(0, cols) + steps.begin * cols.pitch;
  } else if (is_packed(cols)) {
    pack_panel(at, cols, steps, at.packed_b);
    tile.b = at.packed_b;
  } else {
    tile.b = at.b + cols.begin + steps.begin * b_step_;
  }
  tile.depth = steps.size();
  tile.c_row = to.c_row;
  tile.cols = cols.size;
  tile.chain = steps.begin > 0 ? Chain::resume : Chain::fresh;
  const int64_t first = strip(strips.begin).begin;
  for (int64_t s = strips.begin; s < strips.end; ++s) {
    const Range rows = strip(s);
    read_a(tile, at, rows, first, steps, meets);
    tile.c = to.at(rows.begin, cols.begin);
    if (turned_) turned_tile(tile, rows, cols, at, to);
    else compute(tile, rows.size());
  }
}

// How many panels, from `first` on, a single row can take at once.
int64_t PackedGemm::row_panels(int64_t first, int64_t end) const {
  if (m_ != 1 || !packed_ || sharded()) return 0;
  int64_t count = 0;
  while (count < std::min(fns_.row_panels, end - first) &&
         columns(first + count).size == fns_.max_cols)
    ++count;
  return count;
}

void PackedGemm::row_of_block(const Memory& at, const Target& to, int64_t first, int64_t count,
                              Range steps, bool meets) const {
  const Columns& cols = columns(first);
  const std::optional<FinishTile> finish = finish_at(to.finish, cols.begin);
  Tile tile;
  tile.finish = finish ? &*finish : nullptr;
  read_a(tile, at, {0, 1}, 0, steps, meets);
  tile.b = at.b + format_.offset(0, cols) + steps.begin * cols.pitch;
  tile.b_step = cols.pitch;
  tile.depth = steps.size();
  tile.c = to.at(0, cols.begin);
  tile.c_row = to.c_row;
  tile.cols = count * fns_.max_cols;
  tile.chain = steps.begin > 0 ? Chain::resume : Chain::fresh;
  fns_.row(count, fns_.max_cols * depth_, tile);
}

void PackedGemm::block(const Call& call, const Memory& at, Range strips, Range panels) const {
  Range rows{strip(strips.begin).begin, strip(strips.end - 1).end};
  const Columns& last = columns(panels.end - 1);
  Range cols{columns(panels.begin).begin, last.begin + last.size};
  Target to{at.apart, rows.begin, cols.begin, 0, 0};
  if (turned_) std::swap(rows, cols);
  int64_t pitch = cols.size();
  if (to.c == nullptr) {
    pitch = turned_ ? m_ : n_;
    to.c = at.c + rows.begin * pitch + cols.begin;
  }
  to.c_row = turned_ ? 1 : pitch;
  to.c_col = turned_ ? pitch : 1;
  for (int64_t chunk = 0; chunk < chunks_; ++chunk) {
    const Range steps{chunk * depth_ / chunks_, (chunk + 1) * depth_ / chunks_};
    if (finish_ && chunk + 1 == chunks_) to.finish = finish_->tile(call, 0, 0);
    for (int64_t i = panels.begin; i < panels.end;) {
      const int64_t together = row_panels(i, panels.end);
      const bool meets = i == panels.begin;
      if (together > 0) row_of_block(at, to, i, together, steps, meets);
      else panel_of_block(at, to, strips, i, steps, meets);
      i += std::max<int64_t>(1, together);
    }
  }
  if (!epilogue_) return;
  const Accumulator accumulator{to.c, pitch};
  epilogue_->run({at.row + rows.begin, rows.size(), cols.begin, cols.size()},
                 call.operands.subspan(2), call.results, at.epilogue, &accumulator);
}

// The memory of matrix `a` of the first operand and `b` of the second.
PackedGemm::Memory PackedGemm::matrices(Memory at, int64_t a, int64_t b) const {
  at.a += a * m_ * depth_;
  at.b += b * depth_ * n_;
  at.bytes += turned_ ? b * depth_ * n_ : a * m_ * depth_;
  if (pack_first_) at.packed_b += b * packed_b_floats_;
  return at;
}

bool PackedGemm::may_need_apart(const Problem& problem) {
  for (size_t j = 2; j < problem.operands.size(); ++j)
    if (epilogue_over_operand(problem, 0, static_cast<int>(j))) return true;
  return false;
}

bool PackedGemm::needs_apart(const Call& call) {
  const auto over = [&](const View& v) { return v.data == call.results[0].data; };
  return std::any_of(call.operands.begin() + 2, call.operands.end(), over);
}

PackedGemm::Memory PackedGemm::with_scratch(Memory at, std::byte* scratch, bool apart) const {
  float* own = reinterpret_cast<float*>(scratch);
  if (!pack_first_) at.packed_b = own;
  at.packed_a = own + packed_a_at_;
  at.turned = own + turned_at_;
  if (apart) at.apart = own + apart_at_;
  at.epilogue = reinterpret_cast<std::byte*>(own + epilogue_at_);
  return at;
}

void PackedGemm::run(const Call& call) const noexcept {
  const Memory at{call.operands[turned_ ? 1 : 0].as<float>(),
                  call.operands[turned_ ? 0 : 1].as<float>(), call.operands[0].as<uint8_t>(),
                  call.results[0].as<float>(), reinterpret_cast<float*>(call.workspace)};
  const bool apart = needs_apart(call);
  const int64_t pack_items = pack_first_ ? ceil_div(panels_, pack_panels_) : 0;
  call.pool->run(b_matrices_ * pack_items, [&](int64_t item, int) {
    const Memory mine = matrices(at, 0, item / pack_items);
    const Range panels = even_part(item % pack_items, pack_items, panels_);
    for (int64_t i = panels.begin; i < panels.end; ++i)
      pack_panel(mine, columns(i), {0, depth_}, mine.packed_b + format_.offset(0, columns(i)));
  });

  const int64_t across = ceil_div(panels_, block_panels_);
  const int64_t down = ceil_div(strips_, block_strips_), blocks = down * across;
  call.pool->run(products_ * blocks, [&](int64_t item, int worker) {
    const int64_t product = item / blocks;
    item %= blocks;
    Memory mine = matrices(at, a_of_.offset(product), b_of_.offset(product));
    mine.c += product * m_ * n_;
    mine.row = product * (turned_ ? n_ : m_);
    block(call, with_scratch(mine, call.scratch_of(worker), apart),
          even_part(panels_first_ ? item % down : item / across, down, strips_),
          even_part(panels_first_ ? item / down : item % across, across, panels_));
  });
}

}  // namespace

std::optional<ir::PanelFormat> wanted_gemm_panels(const ir::Node& node, const TensorType& weight,
                                                  Isa isa) {
  if (weight.dtype != DType::f32) return {};
  const ir::PanelFormat format =
      gemm_panels(weight.shape, node.attrs.flag("trans_b"), gemm_fns(isa));
  if (weight.shape.elements() != format.depth.extent * format.column.extent || format.is_plain())
    return {};
  return format;
}

std::string refuse_packed_gemm(const Problem& problem) {
  if (problem.operands[1].dtype != DType::f32)
    return "operands are " + std::string(name_of(problem.operands[1].dtype)) +
           ": only f32 is computed";
  return TileProgram::refuse_epilogue(problem);
}

std::unique_ptr<Kernel> make_packed_gemm(const Problem& problem) {
  return std::make_unique<PackedGemm>(problem);
}

}  // namespace hone::kernels

// What a tile program refuses, and running one over a block.
#include "kernels/eltwise/tile_program.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/dtype.h"
#include "base/error.h"
#include "kernels/eltwise/broadcast.h"
#include "kernels/eltwise/tile_code.h"

namespace hone::kernels {
namespace {

// Rows of a block that are not contiguous in memory are gathered into one tile if they are shorter
// than this; longer ones are tiles of their own, without a copy.
constexpr int64_t kLongRow = 128;
constexpr int64_t kCacheLine = 64;

/// One call of TileProgram::run.
class Run {
 public:
  Run(const TileCode& code, const TileOps& ops, std::span<const View> operands,
      std::span<const View> results, std::byte* scratch, const Accumulator* accumulator,
      const Block& block)
      : code_(code),
        ops_(ops),
        operands_(operands),
        results_(results),
        accumulator_(accumulator),
        origin_(block),
        pointers_(reinterpret_cast<float**>(scratch)),
        scalars_(reinterpret_cast<float*>(scratch + code.scalars_offset())),
        slots_(reinterpret_cast<float*>(scratch + code.slots_offset())) {
    find_hazards();
    for (const TileLoad& load : loads(Kind::scalar)) {
      const std::byte* source = element(load, 0, 0);
      if (lies_alike(load.dtype)) {
        point(load.entry, source);
      } else {
        pointers_[load.entry] = scalars_ + load.entry;
        convert(load, pointers_[load.entry], source, 1);
      }
    }
    for (const TileInstruction& i : instructions(Kind::scalar)) {
      pointers_[i.dst] = scalars_ + i.dst;
      execute(i, 1);
    }
    for (Kind kind : {Kind::columns, Kind::tile})
      for (const TileInstruction& i : instructions(kind)) pointers_[i.dst] = slot(i.slot);
  }

  /// Computes a rectangle of the loop as `code` sees it.
  void rectangle(const Block& block) {
    const int64_t width = std::min(block.cols, code_.tile);
    const bool whole_rows = block.cols == code_.cols &&
                            (accumulator_ == nullptr || accumulator_->row_stride == block.cols);
    const bool packs = width == block.cols && (whole_rows || width < kLongRow);
    const int64_t height = packs ? std::min(block.rows, code_.tile / width) : 1;
    for (int64_t col = 0; col < block.cols; col += width) {
      Block tile{block.row, height, block.col + col, std::min(width, block.cols - col)};
      prepare_columns(tile);
      for (int64_t row = 0; row < block.rows; row += height) {
        tile.row = block.row + row;
        tile.rows = std::min(height, block.rows - row);
        run_tile(tile);
      }
    }
  }

 private:
  std::span<const TileLoad> loads(Kind kind) const {
    return part(code_.loads, code_.load_begin, kind);
  }
  std::span<const TileInstruction> instructions(Kind kind) const {
    return part(code_.instructions, code_.instruction_begin, kind);
  }
  template <class T>
  static std::span<const T> part(const std::vector<T>& all, const std::array<int, 4>& begin,
                                 Kind kind) {
    const size_t k = static_cast<size_t>(kind);
    return {all.data() + begin[k], all.data() + begin[k + 1]};
  }

  float* slot(int index) const { return slots_ + index * code_.tile; }
  void point(int entry, const std::byte* source) {
    // Operands are only ever read: an instruction writes to its dst alone.
    pointers_[entry] = reinterpret_cast<float*>(const_cast<std::byte*>(source));
  }
  void convert(const TileLoad& load, float* dst, const std::byte* source, int64_t n) const {
    ops_.load[static_cast<size_t>(load.dtype)](dst, source, n);
  }
  void execute(const TileInstruction& i, int64_t n) const {
    i.fn(pointers_[i.dst], pointers_[i.operands[0]], pointers_[i.operands[1]],
         pointers_[i.operands[2]], n);
  }

  bool is_accumulator(const TileLoad& load) const {
    return accumulator_ != nullptr && load.input == 0;
  }

  const std::byte* base(const TileLoad& load) const {
    if (load.constant != nullptr) return load.constant;
    return operands_[static_cast<size_t>(load.input) - (accumulator_ != nullptr)].data;
  }

  const std::byte* element(const TileLoad& load, int64_t row, int64_t col) const {
    if (is_accumulator(load))
      return static_cast<const std::byte*>(accumulator_->data) +
             ((row - origin_.row) * accumulator_->row_stride + (col - origin_.col)) *
                 load.element_bytes;
    int64_t offset = col * load.col_stride;
    for (size_t axis = code_.outer.size(); axis-- > 1; row /= code_.outer[axis])
      offset += row % code_.outer[axis] * load.strides[axis];
    if (!code_.outer.empty()) offset += row * load.strides[0];
    return base(load) + offset * load.element_bytes;
  }

  std::byte* element(const TileStore& store, int64_t row, int64_t col) const {
    return results_[static_cast<size_t>(store.result)].data +
           (row * code_.cols + col) * store.element_bytes;
  }

  /// A result that shares memory with an operand which is read after the result is computed must
  /// wait in its slot until the tile is done.
  void find_hazards() {
    for (size_t s = 0; s < code_.stores.size(); ++s) {
      const TileStore& store = code_.stores[s];
      bool waits = !lies_alike(store.dtype) || s >= 64;
      for (const TileLoad& load : code_.loads) {
        const bool shared = is_accumulator(load)
                                ? element(load, origin_.row, origin_.col) ==
                                      element(store, origin_.row, origin_.col)
                                : base(load) == results_[static_cast<size_t>(store.result)].data;
        waits |= shared && load.last_read > store.instruction;
      }
      if (waits && s < 64) waiting_ |= uint64_t{1} << s;
    }
  }

  void prepare_columns(const Block& tile) {
    for (const TileLoad& load : loads(Kind::columns)) {
      const std::byte* source = element(load, 0, tile.col);
      if (tile.rows == 1 && lies_alike(load.dtype)) {
        point(load.entry, source);
        continue;
      }
      float* dst = slot(load.slot);
      pointers_[load.entry] = dst;
      convert(load, dst, source, tile.cols);
      for (int64_t row = 1; row < tile.rows; ++row)
        convert_f32(dst + row * tile.cols, dst, tile.cols);
    }
    for (const TileInstruction& i : instructions(Kind::columns)) execute(i, tile.rows * tile.cols);
  }

  void convert_f32(float* dst, const float* source, int64_t n) const {
    ops_.load[static_cast<size_t>(DType::f32)](dst, reinterpret_cast<const std::byte*>(source), n);
  }

  void run_tile(const Block& tile) {
    const int64_t n = tile.rows * tile.cols;
    const bool flat = tile.rows == 1 || tile.cols == code_.cols;
    for (const TileLoad& load : loads(Kind::tile)) fetch(load, tile, flat);
    for (size_t s = 0; s < code_.stores.size(); ++s) {
      const TileInstruction& i = computes(s);
      pointers_[i.dst] = goes_direct(s, flat) ? memory_of(s, tile) : slot(i.slot);
    }
    if (flat && n * 2 > code_.tile) execute_prefetching(n);
    else
      for (const TileInstruction& i : instructions(Kind::tile)) execute(i, n);
    for (size_t s = 0; s < code_.stores.size(); ++s)
      if (!goes_direct(s, flat)) write_back(s, tile, flat);
  }

  /// Executes a large tile; meanwhile the next one's operands are fetched, a share by each
  /// instruction. Only the first reader of an operand waits for memory, so that without this the
  /// memory would idle while the others compute.
  void execute_prefetching(int64_t n) const {
    const std::span<const TileInstruction> all = instructions(Kind::tile);
    const int64_t lines = n * 4 / kCacheLine;
    const int64_t share = lines / static_cast<int64_t>(all.size()) + 1;
    int64_t begin = 0;
    for (const TileInstruction& i : all) {
      const int64_t end = std::min(begin + share, lines);
      for (const TileLoad& load : loads(Kind::tile)) {
        if (!load.dense || !lies_alike(load.dtype)) continue;
        const char* next = reinterpret_cast<const char*>(pointers_[load.entry] + n);
        for (int64_t line = begin; line < end; ++line) __builtin_prefetch(next + line * kCacheLine);
      }
      begin = end;
      execute(i, n);
    }
  }

  bool goes_direct(size_t s, bool flat) const { return flat && s < 64 && (waiting_ >> s & 1) == 0; }
  const TileInstruction& computes(size_t s) const {
    return code_.instructions[static_cast<size_t>(code_.stores[s].instruction)];
  }
  float* memory_of(size_t s, const Block& tile) const {
    return reinterpret_cast<float*>(element(code_.stores[s], tile.row, tile.col));
  }

  void fetch(const TileLoad& load, const Block& tile, bool flat) {
    const bool accumulator = is_accumulator(load);
    const int64_t n = tile.rows * tile.cols;
    const bool contiguous =
        (tile.rows == 1 && load.col_stride == 1) ||
        (accumulator ? accumulator_->row_stride == tile.cols : load.dense && flat);
    if (contiguous) {
      const std::byte* source = element(load, tile.row, tile.col);
      if (lies_alike(load.dtype)) {
        point(load.entry, source);
      } else {
        pointers_[load.entry] = slot(load.slot);
        convert(load, slot(load.slot), source, n);
      }
      return;
    }
    float* dst = slot(load.slot);
    pointers_[load.entry] = dst;
    if (load.col_stride == 0 && !accumulator) return spread(load, dst, tile);
    for (int64_t row = 0; row < tile.rows; ++row, dst += tile.cols)
      convert(load, dst, element(load, tile.row + row, tile.col), tile.cols);
  }

  /// Loads what has one element for each row.
  void spread(const TileLoad& load, float* dst, const Block& tile) const {
    constexpr int64_t kAtOnce = 64;
    const bool adjacent = code_.outer.size() == 1 && load.strides[0] == 1;
    float values[kAtOnce];
    for (int64_t begin = 0; begin < tile.rows; begin += kAtOnce) {
      const int64_t rows = std::min(kAtOnce, tile.rows - begin);
      const int64_t first = tile.row + begin;
      if (adjacent) convert(load, values, element(load, first, tile.col), rows);
      else
        for (int64_t r = 0; r < rows; ++r)
          convert(load, values + r, element(load, first + r, tile.col), 1);
      ops_.spread(dst + begin * tile.cols, values, rows, tile.cols);
    }
  }

  void write_back(size_t s, const Block& tile, bool flat) const {
    const TileStore& store = code_.stores[s];
    const float* from = pointers_[computes(s).dst];
    const int64_t pieces = flat ? 1 : tile.rows;
    const int64_t length = tile.rows * tile.cols / pieces;
    for (int64_t i = 0; i < pieces; ++i, from += length) {
      std::byte* to = element(store, tile.row + i, tile.col);
      if (lies_alike(store.dtype)) convert_f32(reinterpret_cast<float*>(to), from, length);
      else ops_.store[static_cast<size_t>(store.dtype)](to, from, length);
    }
  }

  const TileCode& code_;
  const TileOps& ops_;
  const std::span<const View> operands_;
  const std::span<const View> results_;
  const Accumulator* const accumulator_;
  const Block origin_;
  float** const pointers_;  // by entry
  float* const scalars_;    // by entry
  float* const slots_;
  uint64_t waiting_ = 0;
};

/// What the instructions compute with, in f32.
bool is_computable(DType dtype) { return dtype == DType::f32 || dtype == DType::boolean; }
bool is_storable(DType dtype) {
  return is_computable(dtype) || is_byte(dtype) || dtype == DType::i32;
}

std::string refuse_node(const ir::Graph& body, const ir::Node& node) {
  const DType from = operand_dtype(body, node);
  const DType result = body.type(node.results[0]).dtype;
  if (node.is(ir::op::cast)) {
    const bool to_bytes = is_byte(result) && is_computable(from);
    if ((is_computable(result) && from != DType::f64) || to_bytes) return "";
  } else if (find_tile_op(*node.op, DType::f32) == nullptr) {
    return fmt::format("{} is no elementwise op of tiles", node.op->name);
  } else if (node.is(ir::op::equal) || node.is(ir::op::greater) || node.is(ir::op::select)) {
    if (is_computable(from)) return "";
  } else if (from != DType::boolean && find_tile_op(*node.op, from) != nullptr) {
    return "";
  }
  return fmt::format("{} from {} to {}: expected f32", node.op->name,
                     name_of(body.type(node.operands[0]).dtype), name_of(result));
}

}  // namespace

struct TileProgram::Impl {
  ir::Graph body;  // keeps the constants
  const TileOps* ops;
  TileCode by_columns;  // the columns are the loop's last axis
  TileCode merged;      // rows as long as possible
  int64_t loop_cols;
};

TileProgram::TileProgram(const ir::Graph& body, Isa isa) {
  const std::string reason = refuse(body);
  invariant(reason.empty() && isa >= Isa::avx2, "tile program of '{}' at level {}: {}", body.name(),
            name_of(isa), reason);
  const Shape& loop = body.shape(body.outputs()[0].value);
  impl_ = std::make_unique<Impl>(Impl{body, &tile_ops(isa), compile_tiles(body, isa, true),
                                      compile_tiles(body, isa, false),
                                      loop.rank() == 0 ? 1 : loop[loop.rank() - 1]});
}
std::optional<TileProgram> TileProgram::epilogue_of(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return {};
  return TileProgram(*problem.attrs().get<ir::Region>("epilogue"), problem.isa);
}
TileProgram::~TileProgram() = default;
TileProgram::TileProgram(TileProgram&&) noexcept = default;
TileProgram& TileProgram::operator=(TileProgram&&) noexcept = default;

std::string TileProgram::refuse(const ir::Graph& body) {
  for (const ir::Node& node : body.nodes()) {
    if (node.is(ir::op::input) || node.is(ir::op::constant)) continue;
    std::string reason = refuse_node(body, node);
    if (!reason.empty()) return reason;
  }
  if (body.outputs().empty()) return "the body has no output";
  const Shape& loop = body.shape(body.outputs()[0].value);
  for (const ir::Output& o : body.outputs()) {
    const TensorType& type = body.type(o.value);
    if (!is_storable(type.dtype) || type.shape != loop)
      return fmt::format("output '{}' is {}: expected f32, bool, i32 or 8 bits {}", o.name,
                         type.to_string(), loop.to_string());
  }
  return "";
}

std::string TileProgram::refuse_epilogue(const ir::Graph& body) {
  std::string reason = refuse(body);
  if (!reason.empty()) return reason;
  const std::vector<ir::ValueId> inputs = body.inputs();
  const Shape& loop = body.shape(body.outputs()[0].value);
  if (inputs.empty() || !lies_alike(body.type(inputs[0]).dtype) || body.shape(inputs[0]) != loop)
    return fmt::format("the first input of an epilogue must be f32{0} or i32{0}", loop.to_string());
  for (ir::ValueId v : inputs) {
    const Shape& shape = body.shape(v);
    const std::vector<int64_t> strides = broadcast_strides(shape, loop);
    bool varies = false;   // along an axis before the last
    bool repeats = false;  // along one
    for (int axis = 0; axis + 1 < loop.rank(); ++axis) {
      if (loop[axis] == 1) continue;
      (strides[static_cast<size_t>(axis)] != 0 ? varies : repeats) = true;
    }
    if (varies && repeats)
      return fmt::format(
          "epilogue operand {} of a loop over {}: expected the full shape, or one "
          "that varies along the last axis only or along all the others",
          shape.to_string(), loop.to_string());
  }
  return "";
}

std::string TileProgram::refuse_epilogue(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return "";
  if (problem.results[0].dtype != DType::f32)
    return fmt::format("the epilogue gives {}: only f32 is written in place",
                       name_of(problem.results[0].dtype));
  return refuse_epilogue(*problem.attrs().get<ir::Region>("epilogue"));
}

int64_t TileProgram::scratch_bytes() const {
  return std::max(impl_->by_columns.scratch_bytes(), impl_->merged.scratch_bytes());
}

void TileProgram::run(const Block& block, std::span<const View> operands,
                      std::span<const View> results, std::byte* scratch,
                      const Accumulator* accumulator) const noexcept {
  if (block.rows <= 0 || block.cols <= 0) return;
  if (accumulator != nullptr || block.cols != impl_->loop_cols) {
    Run(impl_->by_columns, *impl_->ops, operands, results, scratch, accumulator, block)
        .rectangle(block);
    return;
  }
  // Whole rows are one stretch of elements, which the merged loop cuts into its own longer rows: a
  // tail of the first, whole ones, and a head of the last.
  Run run(impl_->merged, *impl_->ops, operands, results, scratch, nullptr, block);
  const int64_t cols = impl_->merged.cols;
  int64_t begin = block.row * block.cols;
  const int64_t end = begin + block.rows * block.cols;
  while (begin < end) {
    const int64_t row = begin / cols;
    const int64_t col = begin % cols;
    const int64_t rows = col == 0 ? std::max<int64_t>(1, (end - begin) / cols) : 1;
    const int64_t width = std::min(cols - col, end - begin);
    run.rectangle({row, rows, col, width});
    begin += rows * width;
  }
}

}  // namespace hone::kernels

// Compiling a body: the loop's axes, the instructions in order of kind, and the slots.
#include "kernels/eltwise/tile_code.h"

#include <algorithm>
#include <utility>

#include "kernels/eltwise/broadcast.h"

namespace hone::kernels {
namespace {

// The tiles in use should fill most of the first-level cache, and no more.
constexpr int64_t kCacheElements = 24 * 1024 / 4;
constexpr int64_t kLeastTile = 256;
constexpr int64_t kMostTile = 1024;

/// An axis of the loop, and how far each load moves along it.
struct Axis {
  int64_t extent;
  std::vector<int64_t> strides;
};

/// Drops axes of one element and joins neighbours that every load crosses without a jump.
std::vector<Axis> merge(const std::vector<Axis>& axes) {
  std::vector<Axis> merged;
  for (const Axis& axis : axes) {
    if (axis.extent == 1) continue;
    bool joins = !merged.empty();
    for (size_t i = 0; joins && i < axis.strides.size(); ++i)
      joins = merged.back().strides[i] == axis.strides[i] * axis.extent;
    if (!joins) {
      merged.push_back(axis);
    } else {
      merged.back().extent *= axis.extent;
      merged.back().strides = axis.strides;
    }
  }
  return merged;
}

class Compiler {
 public:
  Compiler(const ir::Graph& body, Isa isa) : body_(body), ops_(tile_ops(isa)) {}

  TileCode compile(bool keep_columns) {
    find_live();
    add_loads();
    lay_out_loop(keep_columns);
    add_instructions();
    add_stores();
    sort_by_kind();
    allocate_slots(keep_columns);
    finish();
    return std::move(code_);
  }

 private:
  /// An instruction before its slot is known.
  struct Draft {
    TileOp op;
    Kind kind;
    int dst;
    std::array<int, 3> operands;
    int slot;
  };

  static size_t id(int32_t value_or_entry) { return static_cast<size_t>(value_or_entry); }

  void find_live() {
    live_.assign(body_.values().size(), false);
    for (const ir::Output& o : body_.outputs()) live_[id(o.value)] = true;
    for (size_t n = body_.nodes().size(); n-- > 0;) {
      const ir::Node& node = body_.nodes()[n];
      if (!live_[id(node.results[0])]) continue;
      for (ir::ValueId v : node.operands) live_[id(v)] = true;
    }
    entry_.assign(body_.values().size(), -1);
  }

  int new_entry(Kind kind) {
    kinds_.push_back(kind);
    return code_.entries++;
  }

  void add_loads() {
    int input = 0;
    for (const ir::Node& node : body_.nodes()) {
      const bool is_input = node.is(ir::op::input);
      const int index = is_input ? input++ : -1;
      const ir::ValueId v = node.results[0];
      if (!live_[id(v)] || (!is_input && !node.is(ir::op::constant))) continue;
      entry_[id(v)] = new_entry(Kind::tile);
      const DType dtype = body_.type(v).dtype;
      code_.loads.push_back({.entry = entry_[id(v)],
                             .input = index,
                             .constant = is_input ? nullptr : node.attrs.get<Tensor>("value").raw(),
                             .dtype = dtype,
                             .element_bytes = size_of(dtype)});
      load_shapes_.push_back(body_.shape(v));
    }
  }

  void lay_out_loop(bool keep_columns) {
    const Shape& shape = body_.shape(body_.outputs()[0].value);
    std::vector<Axis> axes;
    for (int64_t extent : shape.dims()) axes.push_back({extent, {}});
    for (const Shape& load : load_shapes_) {
      const std::vector<int64_t> strides = broadcast_strides(load, shape);
      for (size_t a = 0; a < axes.size(); ++a) axes[a].strides.push_back(strides[a]);
    }
    Axis columns{1, std::vector<int64_t>(load_shapes_.size(), 0)};
    if (keep_columns && !axes.empty()) {
      columns = axes.back();
      axes.pop_back();
    }
    axes = merge(axes);
    if (!keep_columns && !axes.empty()) {
      columns = axes.back();
      axes.pop_back();
    }
    code_.cols = columns.extent;
    for (const Axis& axis : axes) {
      code_.outer.push_back(axis.extent);
      code_.rows *= axis.extent;
    }
    for (size_t i = 0; i < code_.loads.size(); ++i) classify(i, columns, axes);
  }

  void classify(size_t i, const Axis& columns, const std::vector<Axis>& axes) {
    TileLoad& load = code_.loads[i];
    load.col_stride = columns.strides[i];
    load.dense = code_.cols == 1 || load.col_stride == 1;
    bool moves = false;
    int64_t dense_stride = code_.rows * code_.cols;
    for (const Axis& axis : axes) {
      dense_stride /= std::max<int64_t>(1, axis.extent);
      load.strides.push_back(axis.strides[i]);
      load.dense &= axis.strides[i] == dense_stride;
      moves |= axis.strides[i] != 0;
    }
    if (!moves && load.col_stride == 0) load.kind = Kind::scalar;
    else if (!moves && code_.rows > 1) load.kind = Kind::columns;
    kinds_[id(load.entry)] = load.kind;
  }

  int emit(TileOp op, std::span<const int> operands, bool to_store = false) {
    Draft draft{op, to_store ? Kind::tile : Kind::scalar, -1, {}, -1};
    for (size_t i = 0; i < operands.size(); ++i) {
      draft.operands[i] = operands[i];
      draft.kind = std::max(draft.kind, kind_of(operands[i]));
    }
    draft.dst = new_entry(draft.kind);
    drafts_.push_back(draft);
    return draft.dst;
  }

  Kind kind_of(int entry) const { return kinds_[id(entry)]; }

  void add_instructions() {
    for (const ir::Node& node : body_.nodes()) {
      const ir::ValueId v = node.results[0];
      if (!live_[id(v)] || entry_[id(v)] >= 0) continue;
      std::vector<int> operands;
      for (ir::ValueId o : node.operands) operands.push_back(entry_[id(o)]);
      entry_[id(v)] = node.is(ir::op::cast)
                          ? add_cast(body_.type(node.operands[0]).dtype, v, operands[0])
                          : emit(*find_tile_op(*node.op, operand_dtype(body_, node)), operands);
    }
  }

  /// Where the cast value is: its operand has it already if the load has converted that, or the
  /// store will convert it and nobody else asks.
  int add_cast(DType from, ir::ValueId v, int operand) {
    const DType to = body_.type(v).dtype;
    if (from == to) return operand;
    if (from == DType::i32) operand = emit(TileOp::to_f32, {&operand, 1});
    if (to == DType::boolean) return emit(TileOp::nonzero, {&operand, 1});
    if (to == DType::f32 || !is_read(v)) return operand;
    return emit(to == DType::u8 ? TileOp::to_u8 : TileOp::to_i8, {&operand, 1});
  }

  bool is_read(ir::ValueId v) const {
    for (const ir::Node& node : body_.nodes())
      if (live_[id(node.results[0])] &&
          std::find(node.operands.begin(), node.operands.end(), v) != node.operands.end())
        return true;
    return false;
  }

  /// Each result has an instruction of its own that runs for every tile.
  void add_stores() {
    std::vector<bool> taken(kinds_.size(), false);
    for (const TileLoad& load : code_.loads) taken[id(load.entry)] = true;
    for (const ir::Output& o : body_.outputs()) {
      int entry = entry_[id(o.value)];
      if (kind_of(entry) != Kind::tile || taken[id(entry)])
        entry = emit(TileOp::copy, {&entry, 1}, true);
      else taken[id(entry)] = true;
      const int result = static_cast<int>(code_.stores.size());
      const DType dtype = body_.type(o.value).dtype;
      code_.stores.push_back({result, dtype, size_of(dtype), -1});
      stored_.push_back(entry);
    }
  }

  void sort_by_kind() {
    const auto by_kind = [](const auto& a, const auto& b) { return a.kind < b.kind; };
    std::stable_sort(code_.loads.begin(), code_.loads.end(), by_kind);
    std::stable_sort(drafts_.begin(), drafts_.end(), by_kind);
    for (int k = 0; k < 3; ++k) {
      const auto later = [k](const auto& x) { return static_cast<int>(x.kind) > k; };
      const auto begin_of = [&](const auto& list) {
        return static_cast<int>(std::find_if(list.begin(), list.end(), later) - list.begin());
      };
      code_.load_begin[static_cast<size_t>(k) + 1] = begin_of(code_.loads);
      code_.instruction_begin[static_cast<size_t>(k) + 1] = begin_of(drafts_);
    }
    for (size_t s = 0; s < stored_.size(); ++s) {
      const auto computes = [&](const Draft& d) { return d.dst == stored_[s]; };
      const auto draft = std::find_if(drafts_.begin(), drafts_.end(), computes);
      code_.stores[s].instruction = static_cast<int>(draft - drafts_.begin());
    }
  }

  /// Linear scan over the sections of kind `columns` and `tile`. A value that a later section reads
  /// keeps its slot for good, since that section runs many times; a stored value keeps it to the
  /// end of the tile.
  void allocate_slots(bool keep_columns) {
    std::vector<int> last(kinds_.size(), -1);
    for (size_t i = 0; i < drafts_.size(); ++i)
      for (int entry : operands_of(drafts_[i])) last[id(entry)] = static_cast<int>(i);
    for (TileLoad& load : code_.loads) load.last_read = last[id(load.entry)];
    for (int entry : stored_) last[id(entry)] = static_cast<int>(drafts_.size());

    std::vector<int> slot(kinds_.size(), -1);
    std::vector<int> free;
    const auto take = [&](int entry) {
      if (free.empty()) free.push_back(code_.slots++);
      slot[id(entry)] = free.back();
      free.pop_back();
      return slot[id(entry)];
    };
    for (Kind section : {Kind::columns, Kind::tile}) {
      for (TileLoad& load : code_.loads) {
        const bool in_place = !keep_columns && load.dense && lies_alike(load.dtype);
        if (load.kind == section && !(in_place && section == Kind::tile))
          load.slot = take(load.entry);
      }
      for (size_t i = 0; i < drafts_.size(); ++i) {
        if (drafts_[i].kind != section) continue;
        for (int entry : operands_of(drafts_[i])) {
          int& held = slot[id(entry)];
          if (held < 0 || kind_of(entry) != section || last[id(entry)] != static_cast<int>(i))
            continue;
          free.push_back(std::exchange(held, -1));
        }
        drafts_[i].slot = take(drafts_[i].dst);
      }
    }
  }

  void finish() {
    for (const Draft& d : drafts_) {
      unsigned scalars = 0;
      for (size_t i = 0; i < operands_of(d).size(); ++i)
        if (d.kind != Kind::scalar && kind_of(d.operands[i]) == Kind::scalar) scalars |= 1u << i;
      code_.instructions.push_back(
          {ops_.fn[static_cast<size_t>(d.op)][scalars], d.dst, d.operands, d.slot});
    }
    int64_t streams = code_.slots + static_cast<int64_t>(code_.stores.size());
    for (const TileLoad& load : code_.loads) streams += load.slot < 0 && load.kind == Kind::tile;
    const int64_t fitting = std::clamp(kCacheElements / streams, kLeastTile, kMostTile);
    code_.tile = std::min(fitting, code_.rows * code_.cols + 63) / 64 * 64;
  }

  static std::span<const int> operands_of(const Draft& draft) {
    return {draft.operands.data(), static_cast<size_t>(arity_of(draft.op))};
  }

  const ir::Graph& body_;
  const TileOps& ops_;
  TileCode code_;
  std::vector<bool> live_;
  std::vector<int> entry_;   // by value
  std::vector<Kind> kinds_;  // by entry
  std::vector<Shape> load_shapes_;
  std::vector<Draft> drafts_;
  std::vector<int> stored_;  // the entry that each result takes
};

struct OpPair {
  const ir::OpSpec* op;
  TileOp tile_op;
};
constexpr OpPair kIntegerPairs[] = {{&ir::op::add, TileOp::add_i32},
                                    {&ir::op::sub, TileOp::sub_i32}};

#define HONE_PAIR(NAME) \
  { &ir::op::NAME, TileOp::NAME }
constexpr OpPair kPairs[] = {
    HONE_PAIR(neg),   HONE_PAIR(abs),     HONE_PAIR(exp),   HONE_PAIR(log),   HONE_PAIR(sqrt),
    HONE_PAIR(tanh),  HONE_PAIR(sigmoid), HONE_PAIR(erf),   HONE_PAIR(cos),   HONE_PAIR(relu),
    HONE_PAIR(add),   HONE_PAIR(sub),     HONE_PAIR(mul),   HONE_PAIR(div),   HONE_PAIR(max),
    HONE_PAIR(min),   HONE_PAIR(sin),     HONE_PAIR(atan),  HONE_PAIR(floor), HONE_PAIR(round),
    HONE_PAIR(equal), HONE_PAIR(greater), HONE_PAIR(select)};
#undef HONE_PAIR

}  // namespace

TileCode compile_tiles(const ir::Graph& body, Isa isa, bool keep_columns) {
  return Compiler(body, isa).compile(keep_columns);
}

const TileOp* find_tile_op(const ir::OpSpec& op, DType dtype) {
  const bool computed_in_f32 = dtype == DType::f32 || dtype == DType::boolean;
  if (!computed_in_f32 && dtype != DType::i32) return nullptr;
  for (const OpPair& pair :
       computed_in_f32 ? std::span<const OpPair>(kPairs) : std::span<const OpPair>(kIntegerPairs))
    if (pair.op == &op) return &pair.tile_op;
  return nullptr;
}

DType operand_dtype(const ir::Graph& body, const ir::Node& node) {
  return body.type(node.operands[node.is(ir::op::select) ? 1 : 0]).dtype;
}
}  // namespace hone::kernels

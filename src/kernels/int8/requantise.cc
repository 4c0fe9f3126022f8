// Which epilogues are of those forms, read from the result upwards, and handing them to the level's
// loop.
#include "kernels/int8/requantise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/dtype.h"
#include "kernels/epilogue.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
using ir::Node;
using ir::ValueId;

// Of the numbers in a body: no product of a byte and a few of them overflows.
constexpr float kMostNumber = 1e18F;
constexpr float kMostFactor = std::numeric_limits<float>::max();
// The greatest below one: its product with any sum is an integer.
constexpr float kMostInTiles = 0x1.fffffep-1F;

}  // namespace

/// A body, of which parts are recognised.
class RequantisationMatch {
 public:
  explicit RequantisationMatch(const ir::Graph& body)
      : body_(body), loop_(body.shape(body.inputs()[0])) {}

  std::optional<Requantisation> match() {
    if (body_.outputs().size() != 1 || loop_.rank() == 0) return {};
    out_.cols_ = loop_[loop_.rank() - 1];
    const ValueId result = body_.outputs()[0].value;
    const auto last = bytes(result);
    if (!last) return {};
    out_.is_signed_ = body_.type(result).dtype == DType::i8;
    const bool matches = sums(last->of, true) ? (out_.zero_ = last->zero, true) : sum(*last);
    return matches ? std::optional(out_) : std::nullopt;
  }

 private:
  /// A value and the integer that was added to it, or taken from it.
  struct Shifted {
    ValueId of;
    int32_t zero = 0;
  };

  const Node* producer(ValueId v, const ir::OpSpec& spec) const {
    return body_.produced_by(v, spec) ? &body_.producer(v) : nullptr;
  }

  std::optional<float> number(ValueId v) const {
    const std::optional<float> x = number_in(body_, v);
    return x && std::abs(*x) < kMostNumber ? x : std::nullopt;
  }

  /// `v` before an integer was added (or subtracted), if one was; nothing if it is no byte's zero.
  std::optional<Shifted> shifted(ValueId v, const ir::OpSpec& by) const {
    const Node* node = producer(v, by);
    if (node == nullptr) return Shifted{v};
    const std::optional<float> zero = number(node->operands[1]);
    if (!zero || *zero != std::floor(*zero) || std::abs(*zero) > 255) return {};
    return Shifted{node->operands[0], static_cast<int32_t>(*zero)};
  }

  /// x of cast(round(x) + zero, u8 or i8).
  std::optional<Shifted> bytes(ValueId v) const {
    const Node* cast = producer(v, op::cast);
    if (cast == nullptr || !is_byte(body_.type(v).dtype)) return {};
    const auto placed = shifted(cast->operands[0], op::add);
    const Node* rounded = placed ? producer(placed->of, op::round) : nullptr;
    if (rounded == nullptr) return {};
    return Shifted{rounded->operands[0], placed->zero};
  }

  /// q of (q - zero) * scale.
  struct Real {
    ValueId bytes;
    int32_t zero;
    float scale;
  };
  std::optional<Real> real(ValueId v) const {
    const Node* scaled = producer(v, op::mul);
    const std::optional<float> scale = scaled ? number(scaled->operands[1]) : std::nullopt;
    const auto centred = scale ? shifted(scaled->operands[0], op::sub) : std::nullopt;
    const Node* cast = centred ? producer(centred->of, op::cast) : nullptr;
    if (cast == nullptr || !is_byte(body_.type(cast->operands[0]).dtype)) return {};
    return Real{cast->operands[0], centred->zero, *scale};
  }

  /// The operand that a value is if it varies by column alone, else -1.
  int by_column(ValueId v) const { return is_by_column(body_, v) ? operand_of(body_, v) : -1; }

  /// (sum + bias) * factor, perhaps under a relu.
  bool sums(ValueId v, bool may_relu) {
    if (const Node* relu = may_relu ? producer(v, op::relu) : nullptr) {
      out_.relu_ = true;
      v = relu->operands[0];
    }
    const Node* scaled = producer(v, op::mul);
    const Node* cast = scaled ? producer(scaled->operands[0], op::cast) : nullptr;
    if (cast == nullptr || body_.type(cast->operands[0]).dtype != DType::i32) return false;
    if (const auto factor = number(scaled->operands[1])) out_.number_ = *factor;
    else if ((out_.factor_ = by_column(scaled->operands[1])) < 0) return false;
    const ValueId sum = body_.inputs()[0];
    const ValueId integers = cast->operands[0];
    if (integers == sum) return true;
    const Node* added = producer(integers, op::add);
    if (added == nullptr || added->operands[0] != sum) return false;
    out_.bias_ = by_column(added->operands[1]);
    return out_.bias_ >= 0;
  }

  /// The residual form.
  bool sum(const Shifted& last) {
    ResidualBytes& r = out_.residual_;
    // A relu may stand before or behind a factor that is not negative.
    const Node* relu = producer(last.of, op::relu);
    const Node* scaled = producer(relu ? relu->operands[0] : last.of, op::mul);
    const std::optional<float> factor = scaled ? number(scaled->operands[1]) : std::nullopt;
    if (!factor || (relu != nullptr && !(*factor > 0))) return false;
    ValueId v = scaled->operands[0];
    if (const Node* before = producer(v, op::relu)) {
      relu = before;
      v = before->operands[0];
    }
    const Node* added = producer(v, op::add);
    if (added == nullptr) return false;
    auto mine = real(added->operands[0]), other = real(added->operands[1]);
    if (!mine || !other) return false;
    if (body_.produced_by(mine->bytes, op::input)) std::swap(mine, other);
    const auto first = bytes(mine->bytes);
    const bool whole = body_.produced_by(other->bytes, op::input) &&
                       body_.shape(other->bytes) == loop_ && other->bytes != body_.inputs()[0];
    out_.relu_ = false;
    if (!first || !whole || first->zero != mine->zero || !sums(first->of, false)) return false;
    out_.zero_ = first->zero;
    out_.other_ = operand_of(body_, other->bytes);
    const bool is_signed = body_.type(mine->bytes).dtype == DType::i8;
    r = {nullptr,
         body_.type(other->bytes).dtype == DType::i8,
         is_signed ? INT8_MIN : 0,
         is_signed ? INT8_MAX : UINT8_MAX,
         mine->scale,
         other->zero,
         other->scale,
         relu != nullptr,
         *factor,
         last.zero};
    return true;
  }

  const ir::Graph& body_;
  const Shape loop_;
  Requantisation out_;
};

std::optional<Requantisation> Requantisation::of(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return {};
  return RequantisationMatch(*problem.attrs().get<ir::Region>("epilogue")).match();
}

bool Requantisation::factors_within(const Call& call, Range columns, float most) const {
  if (factor_ < 0) return std::abs(number_) <= most;
  const float* factor = operand<float>(call, factor_, columns.begin);
  // Without an early end, which would keep the compiler from making vectors of it.
  bool within = true;
  for (int64_t i = 0; i < columns.size(); ++i) within &= std::abs(factor[i]) <= most;
  return within;
}

bool Requantisation::suits_tiles(const Call& call) const {
  return other_ < 0 && factors_within(call, {0, cols_}, kMostInTiles);
}

void Requantisation::give_columns(const Call& call, Range columns, int32_t* init,
                                  float* factor) const {
  if (const int32_t* bias = operand<int32_t>(call, bias_, columns.begin))
    for (int64_t j = 0; j < columns.size(); ++j)  // as sums do, it wraps
      init[j] =
          static_cast<int32_t>(static_cast<uint32_t>(init[j]) + static_cast<uint32_t>(bias[j]));
  if (factor_ < 0) std::fill_n(factor, columns.size(), number_);
  else std::copy_n(operand<float>(call, factor_, columns.begin), columns.size(), factor);
}

TileBytes Requantisation::tile_bytes(const Call& call, int64_t row, int64_t col,
                                     const float* factor) const {
  return {factor, zero_, least(), is_signed_, call.results[0].data + row * cols_ + col, cols_};
}

bool Requantisation::run(const DotFns& fns, const Block& block, const Call& call,
                         const int32_t* sums, int64_t sums_row) const {
  if (!factors_within(call, {block.col, block.col + block.cols}, kMostFactor)) return false;
  const float* factor = factor_ < 0 ? &number_ : operand<float>(call, factor_, block.col);
  const int64_t at = block.row * cols_ + block.col;
  ResidualBytes residual = residual_;
  if (other_ >= 0) residual.other = call.operands[static_cast<size_t>(other_)].data + at;
  fns.requantise({sums, sums_row, block.rows, block.cols, operand<int32_t>(call, bias_, block.col),
                  factor, factor_ >= 0, zero_, least(), is_signed_,
                  other_ >= 0 ? &residual : nullptr, call.results[0].data + at, cols_});
  return true;
}

}  // namespace hone::kernels

// Which epilogues are of that form, and handing them to the level's loop.
#include "kernels/int8/requantise.h"

#include <algorithm>
#include <cmath>

#include "kernels/bytes.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;

/// The number that a value of a body is, if it is a constant.
std::optional<float> number(const ir::Graph& body, ir::ValueId v) {
  if (!body.produced_by(v, op::constant) || body.type(v).dtype != DType::f32 ||
      body.shape(v).elements() != 1)
    return {};
  return body.producer(v).attrs.get<Tensor>("value").data<float>()[0];
}

}  // namespace

// The operand of the node that an input of the body is, if it varies by column alone, else -1. The
// inputs of a body are the sum, and the operands that follow the first two.
int Requantisation::by_column(const ir::Graph& body, ir::ValueId v) const {
  const Shape& shape = body.shape(v);
  if (!body.produced_by(v, op::input) || shape.rank() == 0 || shape.elements() != cols_ ||
      shape[shape.rank() - 1] != cols_)
    return -1;
  const std::vector<ir::ValueId> inputs = body.inputs();
  return static_cast<int>(std::find(inputs.begin(), inputs.end(), v) - inputs.begin()) + 1;
}

bool Requantisation::take(const ir::Graph& body, const ir::Node& node, ir::ValueId sum) {
  if (std::count(node.operands.begin(), node.operands.end(), sum) != 1) return false;
  const DType result = body.type(node.results[0]).dtype;
  const auto goes_on = [&](Stage least, Stage most, Stage next) {
    const bool fits = stage_ >= least && stage_ <= most;
    if (fits) stage_ = next;
    return fits;
  };
  if (node.is(op::cast) && result == DType::f32)
    return goes_on(Stage::sums, Stage::shifted, Stage::widened);
  if (node.is(op::cast) && is_byte(result)) {
    dtype_ = result;
    return goes_on(Stage::rounded, Stage::placed, Stage::narrowed);
  }
  if (node.is(op::relu)) {
    relu_ = true;
    return goes_on(Stage::scaled, Stage::scaled, Stage::clipped);
  }
  if (node.is(op::round)) return goes_on(Stage::scaled, Stage::clipped, Stage::rounded);
  if (node.operands.size() != 2) return false;
  const ir::ValueId other = node.operands[node.operands[0] == sum ? 1 : 0];
  const std::optional<float> known = number(body, other);
  if (node.is(op::add) && result == DType::i32) {
    bias_ = by_column(body, other);
    return bias_ >= 0 && goes_on(Stage::sums, Stage::sums, Stage::shifted);
  }
  if (node.is(op::add)) {
    if (!known || *known != std::floor(*known) || std::abs(*known) > 255) return false;
    zero_ = static_cast<int32_t>(*known);
    return goes_on(Stage::rounded, Stage::rounded, Stage::placed);
  }
  if (!node.is(op::mul)) return false;
  if (known) number_ = *known;
  else factor_ = by_column(body, other);
  return (known || factor_ >= 0) && goes_on(Stage::widened, Stage::widened, Stage::scaled);
}

std::optional<Requantisation> Requantisation::of(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return {};
  const ir::Graph& body = *problem.attrs().get<ir::Region>("epilogue");
  Requantisation out;
  ir::ValueId sum = body.inputs()[0];
  const Shape& loop = body.shape(sum);
  out.cols_ = loop[loop.rank() - 1];
  for (const ir::Node& node : body.nodes()) {
    if (node.is(op::input) || node.is(op::constant)) continue;
    if (!out.take(body, node, sum)) return {};
    sum = node.results[0];
  }
  const bool is_whole =
      out.stage_ == Stage::narrowed && body.outputs().size() == 1 && body.outputs()[0].value == sum;
  return is_whole ? std::optional(out) : std::nullopt;
}

bool Requantisation::run(const DotFns& fns, const Block& block, const Call& call,
                         const int32_t* sums, int64_t sums_row) const {
  const auto operand = [&]<class T>(int i, T) {
    return i < 0 ? nullptr : call.operands[static_cast<size_t>(i)].as<const T>() + block.col;
  };
  const float* factor = factor_ < 0 ? &number_ : operand(factor_, float{});
  const int64_t factors = factor_ < 0 ? 1 : block.cols;
  if (!std::all_of(factor, factor + factors, [](float f) { return std::isfinite(f); }))
    return false;
  fns.requantise({sums, sums_row, block.rows, block.cols, operand(bias_, int32_t{}), factor,
                  factor_ >= 0, relu_, zero_, dtype_ == DType::i8,
                  call.results[0].data + block.row * cols_ + block.col, cols_});
  return true;
}

}  // namespace hone::kernels

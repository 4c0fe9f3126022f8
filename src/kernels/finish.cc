// Which epilogues are of that form.
#include "kernels/finish.h"

#include <algorithm>
#include <cmath>

#include "kernels/epilogue.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

}  // namespace

bool Finish::take_sum(const ir::Graph& body, ir::ValueId added) {
  if (!body.produced_by(added, op::input) || body.type(added).dtype != DType::f32) return false;
  if (body.shape(added) == body.shape(body.inputs()[0]) && other_ < 0) {
    other_ = operand_of(body, added);
    return true;
  }
  if (!is_by_column(body, added) || bias_ >= 0 || other_ >= 0) return false;
  bias_ = operand_of(body, added);
  return true;
}

bool Finish::take(const ir::Graph& body, const ir::Node& node, ir::ValueId sum) {
  const auto uses = std::count(node.operands.begin(), node.operands.end(), sum);
  if (uses != 1) return false;
  const bool clamped = low_ != -kInfinity || high_ != kInfinity;
  if (node.is(op::relu) && !clamped) {
    low_ = 0;
    return true;
  }
  if (node.operands.size() != 2) return false;
  const ir::ValueId other = node.operands[node.operands[0] == sum ? 1 : 0];
  if (node.is(op::add)) return !clamped && take_sum(body, other);
  const std::optional<float> bound = number_in(body, other);
  if (!bound || std::isnan(*bound)) return false;
  if (node.is(op::max) && !clamped) {
    low_ = *bound;
    return true;
  }
  // The processor's minimum does not tell zeros apart.
  if (!node.is(op::min) || high_ != kInfinity || *bound == 0) return false;
  high_ = *bound;
  return true;
}

std::optional<Finish> Finish::of(const Problem& problem) {
  if (!problem.attrs().has("epilogue")) return {};
  const ir::Graph& body = *problem.attrs().get<ir::Region>("epilogue");
  Finish finish;
  ir::ValueId sum = body.inputs()[0];
  for (const ir::Node& node : body.nodes()) {
    if (node.is(op::input) || node.is(op::constant)) continue;
    if (!finish.take(body, node, sum)) return {};
    sum = node.results[0];
  }
  if (body.outputs().size() != 1 || body.outputs()[0].value != sum ||
      body.type(sum) != body.type(body.inputs()[0]))
    return {};
  return finish;
}

FinishTile Finish::tile(const Call& call, int64_t column, int64_t offset) const {
  const auto operand = [&](int i, int64_t at) {
    return i < 0 ? nullptr : call.operands[static_cast<size_t>(i)].as<float>() + at;
  };
  const bool positive_zero = low_ == 0 && !std::signbit(low_);
  return {operand(bias_, column), operand(other_, offset), low_, high_,
          positive_zero ? 0.0F : -0.0F};
}

}  // namespace hone::kernels

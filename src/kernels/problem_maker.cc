// The pieces of random cases.
#include "kernels/problem_maker.h"

#include <algorithm>

#include "ir/expr.h"

namespace hone::kernels {

namespace op = ir::op;
using ir::Attrs;
using ir::Expr;
using ir::Graph;
using ir::OpSpec;

Shape broadcastable(Draw& draw, const Shape& to) {
  std::vector<int64_t> dims = to.dims();
  if (draw.one_in(2)) return to;
  for (int64_t& d : dims)
    if (draw.one_in(3)) d = 1;
  if (!dims.empty() && draw.one_in(3))
    dims.erase(dims.begin(), dims.begin() + draw.between(1, to.rank()));
  return Shape(dims);
}

ir::Region random_body(Draw& draw, const std::vector<TensorType>& inputs, int outputs, bool bytes) {
  Graph body("body");
  std::vector<Expr> values;
  const Shape loop = inputs[0].shape;
  Expr sum;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Expr in = input(body, fmt::format("i{}", i), inputs[i]);
    if (in.dtype() == DType::i32) sum = in = !sum ? in : draw.one_in(3) ? sum - in : sum + in;
    values.push_back(cast(in, DType::f32));
  }
  const auto to_byte = [&](Expr e) { return cast(e, draw.one_in(2) ? DType::u8 : DType::i8); };
  const OpSpec* const unary[] = {&op::neg,  &op::abs,     &op::exp,   &op::log,  &op::sqrt,
                                 &op::tanh, &op::sigmoid, &op::erf,   &op::relu, &op::cos,
                                 &op::sin,  &op::atan,    &op::floor, &op::round};
  const OpSpec* const binary[] = {&op::add, &op::sub, &op::mul, &op::div, &op::max, &op::min};
  const auto any = [&] { return draw.pick(values); };
  for (int64_t left = draw.between(1, 8); left > 0; --left) {
    const int64_t kind = draw.below(8);
    const Expr last = values.back();
    if (kind < 3) values.push_back(apply(*draw.pick(unary), {last}));
    else if (kind < 6) values.push_back(apply(*draw.pick(binary), {last, any()}));
    else if (kind < 7) values.push_back(select(greater(last, any()), any(), last));
    else if (bytes && draw.one_in(2)) values.push_back(cast(to_byte(last), DType::f32));
    else values.push_back(last * static_cast<double>(draw.between(-3, 3)));
  }
  for (int i = 0; i < outputs; ++i) {
    Expr out = i == 0 ? values.back() : any();
    if (out.shape() != loop) out = values[0] + out;
    if (i > 0 && draw.one_in(3)) out = greater(out, 0);
    else if (bytes && draw.one_in(2)) out = to_byte(out);
    body.output(fmt::format("o{}", i), out.id);
  }
  return std::make_shared<const Graph>(std::move(body));
}

void maybe_shard(CaseMaker& m, Attrs& attrs, int64_t samples) {
  if (m.draw.one_in(2)) return;
  const int64_t batch = samples + (m.draw.one_in(2) ? m.draw.below(samples + 1) : 0);
  attrs.set("batch", batch);
  attrs.set("shards", m.draw.between(1, std::min<int64_t>(64, batch)));
}

}  // namespace hone::kernels

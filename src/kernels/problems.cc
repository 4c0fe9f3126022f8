// How a random case of each op is made: one short function for each kind of op.
#include "kernels/problems.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ir/expr.h"
#include "kernels/problem_maker.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Ints;
using ir::OpSpec;
using ir::ValueId;

// Elementwise.

void make_elementwise(CaseMaker& m, std::initializer_list<DType> dtypes) {
  const DType dtype =
      m.options.values == Values::plain && m.draw.one_in(4) ? m.draw.pick(dtypes) : DType::f32;
  const Shape loop = m.shape(static_cast<int>(m.draw.between(0, 4)));
  for (int i = 0; i < m.op.min_operands; ++i)
    m.operand(m.op.min_operands == 1 ? loop : broadcastable(m.draw, loop), dtype);
  m.finish();
}
void make_float(CaseMaker& m) { make_elementwise(m, {DType::f32}); }
constexpr std::initializer_list<DType> kIntegers = {DType::i32, DType::i64, DType::u8,  DType::i8,
                                                    DType::i16, DType::u16, DType::u32, DType::u64};
void make_arithmetic(CaseMaker& m) { make_elementwise(m, kIntegers); }

void make_select(CaseMaker& m) {
  const Shape loop = m.shape(static_cast<int>(m.draw.between(0, 4)));
  const DType dtype = m.any_dtype();
  m.operand(broadcastable(m.draw, loop), DType::boolean);
  m.operand(broadcastable(m.draw, loop), dtype);
  m.operand(broadcastable(m.draw, loop), dtype);
  m.finish();
}

void make_cast(CaseMaker& m) {
  m.operand(m.shape(), m.any_dtype());
  m.finish({{"dtype", std::string(name_of(m.any_dtype()))}});
}

void make_fused(CaseMaker& m) {
  std::vector<TensorType> types = {{DType::f32, m.shape()}};
  for (int64_t extra = m.draw.below(4); extra > 0; --extra)
    types.push_back({m.any_dtype(), broadcastable(m.draw, types[0].shape)});
  for (const TensorType& t : types) m.operand(t.shape, t.dtype);
  m.finish({{"body", random_body(m.draw, types, static_cast<int>(m.draw.between(1, 2)),
                                 !m.smooth() && m.draw.one_in(3))}});
}

// Movement.

void make_reshape(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from, m.any_dtype());
  Ints to = from.dims();
  m.draw.shuffle(to);
  if (m.draw.one_in(2)) to = {from.elements()};
  m.finish({{"shape", to}});
}

void make_transpose(CaseMaker& m) {
  const Shape from = m.shape(static_cast<int>(m.draw.between(1, 5)));
  m.operand(from, m.any_dtype());
  Ints perm(static_cast<size_t>(from.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  m.draw.shuffle(perm);
  m.finish({{"perm", perm}});
}

void make_broadcast(CaseMaker& m) {
  const Shape to = m.shape();
  m.operand(broadcastable(m.draw, to), m.any_dtype());
  m.finish({{"shape", to.dims()}});
}

int64_t random_axis(CaseMaker& m, const Shape& shape) { return m.draw.below(shape.rank()); }

void make_concat(CaseMaker& m) {
  Shape part = m.shape();
  const DType dtype = m.any_dtype();
  const int64_t axis = random_axis(m, part);
  for (int64_t parts = m.draw.between(1, 4); parts > 0; --parts) {
    m.operand(part, dtype);
    part[static_cast<int>(axis)] = m.draw.between(1, 2 * part[static_cast<int>(axis)]);
  }
  m.finish({{"axis", axis}});
}

void make_slice(CaseMaker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  const int64_t extent = from[static_cast<int>(axis)];
  const int64_t begin = m.draw.below(extent);
  m.operand(from, m.any_dtype());
  m.finish({{"axis", axis}, {"begin", begin}, {"end", m.draw.between(begin + 1, extent)}});
}

void make_pad(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from, m.any_dtype());
  m.finish(
      {{"axis", random_axis(m, from)}, {"before", m.draw.below(4)}, {"after", m.draw.below(4)}});
}

// A filter's weights, in any order of its axes.
void make_unpack(CaseMaker& m) {
  Ints extents(4), order = {0, 1, 2, 3}, strides(4);
  for (int64_t& extent : extents) extent = m.draw.between(1, 7);
  extents[3] = m.extent();
  m.draw.shuffle(order);
  int64_t stride = 1;
  for (int64_t axis : order) {
    strides[static_cast<size_t>(axis)] = stride;
    stride *= extents[static_cast<size_t>(axis)];
  }
  const Attrs attrs{
      {"shape", Ints{stride}},
      {"extents", extents},
      {"strides", strides},
      {"panel", Ints{m.draw.between(1, 8), m.draw.between(1, 4), m.draw.between(1, 4)}}};
  constexpr DType kDtypes[] = {DType::f32, DType::f32, DType::i8, DType::i16};
  m.operand({ir::PanelFormat::from(attrs).elements()}, m.draw.pick(kDtypes));
  m.finish(attrs);
}

void make_one_hot(CaseMaker& m) {
  const int64_t depth = m.extent();
  m.integers = {-1, depth};  // some out of range
  m.operand(m.shape(static_cast<int>(m.draw.between(0, 2))), DType::i64);
  m.finish({{"depth", depth}});
}

Shape random_indices(CaseMaker& m, int64_t extent) {
  m.integers = {-extent - 1, extent};  // some out of range
  Ints dims;
  for (int64_t rank = m.draw.below(3); rank > 0; --rank) dims.push_back(m.draw.between(1, 6));
  return Shape(dims);
}

void make_gather(CaseMaker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  m.operand(from, m.any_dtype());
  m.operand(random_indices(m, from[static_cast<int>(axis)]), DType::i64);
  m.finish({{"axis", axis}});
}

void make_dim(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)}});
}

// Reductions.

Attrs random_reduction(CaseMaker& m, const Shape& from, bool may_shard) {
  Ints axes(static_cast<size_t>(from.rank()));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  m.draw.shuffle(axes);
  axes.resize(static_cast<size_t>(m.draw.between(1, from.rank())));
  if (!m.draw.one_in(3)) std::sort(axes.begin(), axes.end());
  if (from.rank() == 4 && m.draw.one_in(3)) axes = {1, 2};  // of images
  Attrs attrs{{"axes", axes}};
  if (may_shard && axes[0] == 0) maybe_shard(m, attrs, from[0]);  // a sharded batch comes first
  return attrs;
}

void make_reduce(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from);
  Attrs attrs = random_reduction(m, from, &m.op == &op::reduce_sum);
  if (m.draw.one_in(2)) attrs.set("keep", int64_t{1});
  m.finish(std::move(attrs));
}

void make_cumsum(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)},
            {"exclusive", m.draw.below(2)},
            {"reverse", m.draw.below(2)}});
}

void make_topk(CaseMaker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  m.operand(from);
  m.finish({{"axis", axis},
            {"k", m.draw.between(1, from[static_cast<int>(axis)])},
            {"largest", m.draw.below(2)}});
}

void make_scatter_add(CaseMaker& m) {
  const Shape to = m.shape();
  const int64_t axis = random_axis(m, to);
  const Shape indices = random_indices(m, to[static_cast<int>(axis)]);
  const std::vector<TensorType> types = {{DType::f32, to}, {DType::i64, indices}};
  Attrs attrs{{"axis", axis}};
  m.operand(ir::infer(op::gather, types, attrs, "")[0].shape);
  m.operand(indices, DType::i64);
  attrs.set("shape", to.dims());
  if (indices.rank() > 0) maybe_shard(m, attrs, indices[0]);
  m.finish(std::move(attrs));
}

void make_moments(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish(random_reduction(m, from, true));
}

void make_argmax(CaseMaker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)}});
}

void make_random(CaseMaker& m) {
  m.operand({}, DType::i64);
  m.operand({}, DType::i64);
  m.finish({{"shape", m.shape(static_cast<int>(m.draw.between(0, 4))).dims()},
            {"key", m.draw.below(1 << 30)}});
}

struct Row {
  const OpSpec* op;
  void (*make)(CaseMaker&);
};
const Row kRows[] = {
    {&op::neg, make_arithmetic},
    {&op::abs, make_arithmetic},
    {&op::exp, make_float},
    {&op::log, make_float},
    {&op::sqrt, make_float},
    {&op::tanh, make_float},
    {&op::sigmoid, make_float},
    {&op::erf, make_float},
    {&op::cos, make_float},
    {&op::relu, make_float},
    {&op::sin, make_float},
    {&op::atan, make_float},
    {&op::floor, make_float},
    {&op::round, make_float},
    {&op::pow, make_float},
    {&op::mod, make_arithmetic},
    {&op::add, make_arithmetic},
    {&op::sub, make_arithmetic},
    {&op::mul, make_arithmetic},
    {&op::div, make_float},
    {&op::max, make_arithmetic},
    {&op::min, make_arithmetic},
    {&op::equal, make_arithmetic},
    {&op::greater, make_arithmetic},
    {&op::select, make_select},
    {&op::cast, make_cast},
    {&op::fused, make_fused},
    {&op::reshape, make_reshape},
    {&op::transpose, make_transpose},
    {&op::broadcast, make_broadcast},
    {&op::concat, make_concat},
    {&op::slice, make_slice},
    {&op::pad, make_pad},
    {&op::one_hot, make_one_hot},
    {&op::gather, make_gather},
    {&op::dim, make_dim},
    {&op::unpack, make_unpack},
    {&op::reduce_sum, make_reduce},
    {&op::reduce_max, make_reduce},
    {&op::reduce_prod, make_reduce},
    {&op::cumsum, make_cumsum},
    {&op::topk, make_topk},
    {&op::scatter_add, make_scatter_add},
    {&op::argmax, make_argmax},
    {&op::moments, make_moments},
    {&op::matmul, make_matmul},
    {&op::conv2d, make_conv},
    {&op::conv2d_grad_input, make_conv},
    {&op::conv2d_grad_weight, make_conv},
    {&op::winograd_filter, make_winograd_filter},
    {&op::winograd_conv2d, make_winograd},
    {&op::max_pool2d, make_pool},
    {&op::max_pool2d_grad, make_pool},
    {&op::avg_pool2d, make_pool},
    {&op::avg_pool2d_grad, make_pool},
    {&op::random_uniform, make_random},
};

}  // namespace

std::vector<Tensor> Case::operand_list() const {
  std::vector<Tensor> list;
  for (ValueId v : node().operands) list.push_back(operands.at(graph.producer(v).name));
  return list;
}

Problem Case::problem(Isa isa, int threads) const {
  Problem problem{&node(), {}, {}, isa, threads};
  for (ValueId v : node().operands) problem.operands.push_back(graph.type(v));
  for (ValueId v : node().results) problem.results.push_back(graph.type(v));
  return problem;
}

std::string Case::describe() const {
  std::string types;
  for (ValueId v : node().operands)
    types += (types.empty() ? "" : ", ") + graph.type(v).to_string();
  return fmt::format("{}({}), seed {}", node().op->name, types, seed);
}

Case random_case(const OpSpec& op, uint64_t seed, const CaseOptions& options) {
  const Row* row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.op == &op; });
  invariant(row != std::end(kRows), "op '{}' has no generator of random cases", op.name);
  CaseMaker maker(op, seed, options);
  row->make(maker);
  Case out;
  out.seed = seed;
  std::vector<TensorType> types;
  for (ValueId v : maker.operands) types.push_back(maker.graph.type(v));
  const std::vector<Tensor> tensors =
      random_tensors(maker.draw, types, options.values, maker.integers);
  for (size_t i = 0; i < tensors.size(); ++i)
    out.operands[maker.graph.producer(maker.operands[i]).name] = tensors[i];
  out.graph = std::move(maker.graph);
  return out;
}

}  // namespace hone::kernels

// How a random case of each op is made: one short function for each kind of op.
#include "kernels/problems.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ir/expr.h"
#include "kernels/draw.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Expr;
using ir::Graph;
using ir::Ints;
using ir::OpSpec;
using ir::ValueId;

/// A case in the making.
struct Maker {
  Maker(const OpSpec& spec, uint64_t seed, const CaseOptions& case_options)
      : op(spec), options(case_options), draw(mix(seed, key_of(spec.name))) {}

  const OpSpec& op;
  const CaseOptions& options;
  Draw draw;
  Graph graph{"case"};
  std::vector<ValueId> operands;
  IntegerRange integers;

  ValueId operand(Shape shape, DType dtype = DType::f32) {
    operands.push_back(graph.input(fmt::format("x{}", operands.size()), {dtype, std::move(shape)}));
    return operands.back();
  }
  void finish(Attrs attrs = {}) {
    const ir::NodeId node = graph.append(op, operands, std::move(attrs), "node");
    for (size_t i = 0; i < graph.node(node).results.size(); ++i)
      graph.output(fmt::format("y{}", i), graph.node(node).results[i]);
  }

  bool smooth() const {
    return options.values == Values::smooth || options.values == Values::positive;
  }

  /// Mostly short, sometimes longer than a vector, rarely longer than a tile.
  int64_t extent() {
    if (options.small) return draw.between(1, 4);
    const int64_t kind = draw.below(8);
    return kind < 4 ? draw.between(1, 8) : kind < 7 ? draw.between(9, 40) : draw.between(41, 300);
  }
  /// Now and then 0.
  int64_t extent_or_none() { return !options.small && draw.one_in(16) ? 0 : extent(); }
  Shape shape(int rank) {
    int64_t budget = options.small ? 64 : 20000;
    std::vector<int64_t> dims(static_cast<size_t>(rank));
    for (int64_t& d : dims) {
      d = std::min(extent(), budget);
      budget /= d;
    }
    draw.shuffle(dims);
    return Shape(dims);
  }
  Shape shape() { return shape(static_cast<int>(draw.between(1, 4))); }
  DType any_dtype() {
    constexpr DType kDtypes[] = {DType::f32, DType::f32,     DType::f32, DType::i32, DType::i64,
                                 DType::u8,  DType::boolean, DType::i8,  DType::i16, DType::u16,
                                 DType::u32, DType::u64,     DType::f16, DType::bf16};
    return smooth() ? DType::f32 : draw.pick(kDtypes);
  }
};

/// A shape that broadcasts to `to`.
Shape broadcastable(Draw& draw, const Shape& to) {
  std::vector<int64_t> dims = to.dims();
  if (draw.one_in(2)) return to;
  for (int64_t& d : dims)
    if (draw.one_in(3)) d = 1;
  if (!dims.empty() && draw.one_in(3))
    dims.erase(dims.begin(), dims.begin() + draw.between(1, to.rank()));
  return Shape(dims);
}

// Elementwise.

/// A random chain of elementwise ops over inputs of these types; the first has the loop's shape.
/// The outputs are f32, or bool, or, with `bytes`, 8 bits.
ir::Region random_body(Draw& draw, const std::vector<TensorType>& inputs, int outputs,
                       bool bytes = false) {
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

void make_elementwise(Maker& m, std::initializer_list<DType> dtypes) {
  const DType dtype =
      m.options.values == Values::plain && m.draw.one_in(4) ? m.draw.pick(dtypes) : DType::f32;
  const Shape loop = m.shape(static_cast<int>(m.draw.between(0, 4)));
  for (int i = 0; i < m.op.min_operands; ++i)
    m.operand(m.op.min_operands == 1 ? loop : broadcastable(m.draw, loop), dtype);
  m.finish();
}
void make_float(Maker& m) { make_elementwise(m, {DType::f32}); }
constexpr std::initializer_list<DType> kIntegers = {DType::i32, DType::i64, DType::u8,  DType::i8,
                                                    DType::i16, DType::u16, DType::u32, DType::u64};
void make_arithmetic(Maker& m) { make_elementwise(m, kIntegers); }

void make_select(Maker& m) {
  const Shape loop = m.shape(static_cast<int>(m.draw.between(0, 4)));
  const DType dtype = m.any_dtype();
  m.operand(broadcastable(m.draw, loop), DType::boolean);
  m.operand(broadcastable(m.draw, loop), dtype);
  m.operand(broadcastable(m.draw, loop), dtype);
  m.finish();
}

void make_cast(Maker& m) {
  m.operand(m.shape(), m.any_dtype());
  m.finish({{"dtype", std::string(name_of(m.any_dtype()))}});
}

void make_fused(Maker& m) {
  std::vector<TensorType> types = {{DType::f32, m.shape()}};
  for (int64_t extra = m.draw.below(4); extra > 0; --extra)
    types.push_back({m.any_dtype(), broadcastable(m.draw, types[0].shape)});
  for (const TensorType& t : types) m.operand(t.shape, t.dtype);
  m.finish({{"body", random_body(m.draw, types, static_cast<int>(m.draw.between(1, 2)),
                                 !m.smooth() && m.draw.one_in(3))}});
}

// Movement.

void make_reshape(Maker& m) {
  const Shape from = m.shape();
  m.operand(from, m.any_dtype());
  Ints to = from.dims();
  m.draw.shuffle(to);
  if (m.draw.one_in(2)) to = {from.elements()};
  m.finish({{"shape", to}});
}

void make_transpose(Maker& m) {
  const Shape from = m.shape(static_cast<int>(m.draw.between(1, 5)));
  m.operand(from, m.any_dtype());
  Ints perm(static_cast<size_t>(from.rank()));
  std::iota(perm.begin(), perm.end(), int64_t{0});
  m.draw.shuffle(perm);
  m.finish({{"perm", perm}});
}

void make_broadcast(Maker& m) {
  const Shape to = m.shape();
  m.operand(broadcastable(m.draw, to), m.any_dtype());
  m.finish({{"shape", to.dims()}});
}

int64_t random_axis(Maker& m, const Shape& shape) { return m.draw.below(shape.rank()); }

void make_concat(Maker& m) {
  Shape part = m.shape();
  const DType dtype = m.any_dtype();
  const int64_t axis = random_axis(m, part);
  for (int64_t parts = m.draw.between(1, 4); parts > 0; --parts) {
    m.operand(part, dtype);
    part[static_cast<int>(axis)] = m.draw.between(1, 2 * part[static_cast<int>(axis)]);
  }
  m.finish({{"axis", axis}});
}

void make_slice(Maker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  const int64_t extent = from[static_cast<int>(axis)];
  const int64_t begin = m.draw.below(extent);
  m.operand(from, m.any_dtype());
  m.finish({{"axis", axis}, {"begin", begin}, {"end", m.draw.between(begin + 1, extent)}});
}

void make_pad(Maker& m) {
  const Shape from = m.shape();
  m.operand(from, m.any_dtype());
  m.finish(
      {{"axis", random_axis(m, from)}, {"before", m.draw.below(4)}, {"after", m.draw.below(4)}});
}

// A filter's weights, in any order of its axes.
void make_unpack(Maker& m) {
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
  m.operand({ir::PanelFormat::from(attrs).elements()}, m.draw.one_in(3) ? DType::i8 : DType::f32);
  m.finish(attrs);
}

void make_one_hot(Maker& m) {
  const int64_t depth = m.extent();
  m.integers = {-1, depth};  // some out of range
  m.operand(m.shape(static_cast<int>(m.draw.between(0, 2))), DType::i64);
  m.finish({{"depth", depth}});
}

Shape random_indices(Maker& m, int64_t extent) {
  m.integers = {-extent - 1, extent};  // some out of range
  Ints dims;
  for (int64_t rank = m.draw.below(3); rank > 0; --rank) dims.push_back(m.draw.between(1, 6));
  return Shape(dims);
}

void make_gather(Maker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  m.operand(from, m.any_dtype());
  m.operand(random_indices(m, from[static_cast<int>(axis)]), DType::i64);
  m.finish({{"axis", axis}});
}

void make_dim(Maker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)}});
}

// Reductions.

/// Says that the sum over `samples` takes the shard tree, the last shards short or absent.
void maybe_shard(Maker& m, Attrs& attrs, int64_t samples) {
  if (m.draw.one_in(2)) return;
  const int64_t batch = samples + (m.draw.one_in(2) ? m.draw.below(samples + 1) : 0);
  attrs.set("batch", batch);
  attrs.set("shards", m.draw.between(1, std::min<int64_t>(64, batch)));
}

Attrs random_reduction(Maker& m, const Shape& from, bool may_shard) {
  Ints axes(static_cast<size_t>(from.rank()));
  std::iota(axes.begin(), axes.end(), int64_t{0});
  m.draw.shuffle(axes);
  axes.resize(static_cast<size_t>(m.draw.between(1, from.rank())));
  if (!m.draw.one_in(3)) std::sort(axes.begin(), axes.end());
  Attrs attrs{{"axes", axes}};
  if (may_shard && axes[0] == 0) maybe_shard(m, attrs, from[0]);  // a sharded batch comes first
  return attrs;
}

void make_reduce(Maker& m) {
  const Shape from = m.shape();
  m.operand(from);
  Attrs attrs = random_reduction(m, from, &m.op == &op::reduce_sum);
  if (m.draw.one_in(2)) attrs.set("keep", int64_t{1});
  m.finish(std::move(attrs));
}

void make_cumsum(Maker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)},
            {"exclusive", m.draw.below(2)},
            {"reverse", m.draw.below(2)}});
}

void make_topk(Maker& m) {
  const Shape from = m.shape();
  const int64_t axis = random_axis(m, from);
  m.operand(from);
  m.finish({{"axis", axis},
            {"k", m.draw.between(1, from[static_cast<int>(axis)])},
            {"largest", m.draw.below(2)}});
}

void make_scatter_add(Maker& m) {
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

void make_moments(Maker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish(random_reduction(m, from, true));
}

void make_argmax(Maker& m) {
  const Shape from = m.shape();
  m.operand(from);
  m.finish({{"axis", random_axis(m, from)}});
}

// Contractions and windows.

/// What a contraction's two operands hold.
struct OperandDtypes {
  DType x = DType::f32, w = DType::f32;

  /// Now and then integers of 8 bits.
  static OperandDtypes random(Maker& m) {
    constexpr DType kFirst[] = {DType::u8, DType::u8, DType::i8};
    if (m.smooth() || !m.draw.one_in(3)) return {};
    m.integers = {-128, 127};
    return {m.draw.pick(kFirst), m.draw.one_in(6) ? DType::u8 : DType::i8};
  }
};

/// Appends the node, perhaps with an epilogue over the shape of its result.
void finish_contraction(Maker& m, Attrs attrs) {
  if (m.options.epilogues && m.draw.one_in(3)) {
    std::vector<TensorType> types;
    for (ValueId v : m.operands) types.push_back(m.graph.type(v));
    types = ir::infer(m.op, types, attrs, "");
    const bool integers = types[0].dtype == DType::i32;
    constexpr DType kDtypes[] = {DType::f32, DType::i32, DType::u8};
    for (int64_t extra = m.draw.below(3); extra > 0; --extra) {
      const DType dtype = integers ? m.draw.pick(kDtypes) : DType::f32;
      types.push_back({dtype, broadcastable(m.draw, types[0].shape)});
      m.operand(types.back().shape, dtype);
    }
    attrs.set("epilogue", random_body(m.draw, types, 1, integers));
  }
  m.finish(std::move(attrs));
}

void make_matmul(Maker& m) {
  // Now and then larger than the blocks and the chunks of a packed product, in all three extents.
  const bool large = !m.options.small && m.draw.one_in(6);
  const int64_t rows = m.draw.one_in(8) ? 1 : large ? m.draw.between(100, 260) : m.extent_or_none();
  const int64_t columns = large ? m.draw.between(100, 300) : m.extent_or_none();
  const int64_t depth = large ? m.draw.between(200, 700) : m.extent_or_none();
  const int64_t axes = large || m.draw.one_in(2) ? 0 : m.draw.between(1, 2);
  Ints leading;
  for (int64_t i = 0; i < axes; ++i) leading.push_back(m.draw.between(1, 3));
  Attrs attrs;
  const OperandDtypes dtypes = OperandDtypes::random(m);
  const auto matrix = [&](int64_t r, int64_t c, const char* transposed, DType dtype) {
    const bool swap = m.draw.one_in(2);
    if (swap) attrs.set(transposed, int64_t{1});
    Ints dims = broadcastable(m.draw, Shape(leading)).dims();
    dims.insert(dims.end(), {swap ? c : r, swap ? r : c});
    m.operand(Shape(dims), dtype);
  };
  matrix(rows, depth, "trans_a", dtypes.x);
  matrix(depth, columns, "trans_b", dtypes.w);
  if (dtypes.x == DType::f32) maybe_shard(m, attrs, depth);
  finish_contraction(m, std::move(attrs));
}

Shape image(const Attrs& attrs, int64_t n, int64_t c, int64_t h, int64_t w) {
  return attrs.get<std::string>("layout") == "nchw" ? Shape{n, c, h, w} : Shape{n, h, w, c};
}

std::string random_layout(Maker& m) { return m.draw.one_in(2) ? "nchw" : "nhwc"; }

void make_conv(Maker& m) {
  constexpr int64_t kGroups[] = {1, 1, 1, 1, 2, 3};
  const int64_t reach = m.options.small ? 2 : 5;
  const bool depthwise = m.draw.one_in(5);
  const bool large = !m.options.small && !depthwise && m.draw.one_in(6);
  // Now and then chains longer than the chunks of a kernel, forward or backward.
  const bool deep = !m.options.small && !depthwise && !large && m.draw.one_in(6);
  const bool deep_c = deep && m.draw.one_in(2);
  int64_t group_c = depthwise ? 1 : m.draw.between(1, m.options.small ? 2 : large ? 40 : 9);
  int64_t group_o = depthwise ? 1 : m.draw.between(1, m.options.small ? 2 : large ? 80 : 20);
  if (deep) (deep_c ? group_c : group_o) = m.draw.between(300, 900);
  else if (!m.options.small && !depthwise && m.draw.one_in(16)) group_c = 0;
  const int64_t groups =
      depthwise ? m.draw.between(1, m.options.small ? 3 : 40) : m.draw.pick(kGroups);
  const int64_t kh = m.draw.between(1, reach), kw = m.draw.between(1, reach);
  const bool pointwise = kh == 1 && kw == 1;
  const Ints dilation = {m.draw.one_in(4) ? 2 : 1, m.draw.one_in(4) ? 2 : 1};
  Ints pad = {0, 0, 0, 0};
  if (!pointwise)
    for (int64_t& p : pad) p = m.draw.below(3);
  Attrs attrs{{"stride", Ints{m.draw.between(1, 3), m.draw.between(1, 3)}},
              {"pad", pad},
              {"dilation", dilation},
              {"groups", groups},
              {"layout", random_layout(m)}};
  // The padded image is at least as large as the window.
  const auto side = [&](int64_t window, int64_t padding, int64_t dilated) {
    return std::max<int64_t>(dilated * (window - 1) + 1 - padding, 1) +
           m.draw.below(m.options.small || deep ? 3 : 14);
  };
  const int64_t n = m.options.small || !m.draw.one_in(16)
                        ? m.draw.between(1, m.options.small || deep ? 2 : 6)
                        : 0;
  const Shape x = image(attrs, n, groups * group_c, side(kh, pad[0] + pad[2], dilation[0]),
                        side(kw, pad[1] + pad[3], dilation[1]));
  const int64_t o = groups * group_o;
  const Shape w = attrs.get<std::string>("layout") == "nchw" ? Shape{o, group_c, kh, kw}
                                                             : Shape{kh, kw, group_c, o};
  const std::vector<TensorType> types = {{DType::f32, x}, {DType::f32, w}};
  const Shape y = ir::infer(op::conv2d, types, attrs, "")[0].shape;
  if (&m.op == &op::conv2d) {
    const OperandDtypes dtypes = OperandDtypes::random(m);
    if (dtypes.x != DType::f32 && m.draw.one_in(2))
      attrs.set("pad_value", dtypes.x == DType::u8 ? m.draw.below(256) : m.draw.between(-128, 127));
    m.operand(x, dtypes.x);
    m.operand(w, dtypes.w);
  } else if (&m.op == &op::conv2d_grad_input) {
    attrs.set("shape", x.dims());
    m.operand(y);
    m.operand(w);
  } else {
    attrs.set("shape", w.dims());
    maybe_shard(m, attrs, n);
    m.operand(x);
    m.operand(y);
  }
  finish_contraction(m, std::move(attrs));
}

void make_winograd_filter(Maker& m) {
  const int64_t most = m.options.small ? 3 : 40;
  m.operand({m.draw.between(1, most), m.draw.between(1, most), 3, 3});
  m.finish({{"tile", m.draw.one_in(2) ? 2 : 4}});
}

void make_winograd(Maker& m) {
  const int64_t tile = m.draw.one_in(2) ? 2 : 4, side = tile + 2;
  // Now and then chains longer than the chunks of a kernel, or more lines than one round of it.
  const bool deep = !m.options.small && m.draw.one_in(6), large = !deep && m.draw.one_in(6);
  const int64_t c = deep ? m.draw.between(390, 800) : m.draw.between(1, m.options.small ? 2 : 40);
  const int64_t o = m.draw.between(1, m.options.small ? 3 : deep ? 20 : 80);
  Attrs attrs{{"tile", tile}, {"pad", Ints{0, 0, 0, 0}}, {"layout", random_layout(m)}};
  Ints pad;
  for (int i = 0; i < 4; ++i) pad.push_back(m.draw.below(3));
  attrs.set("pad", pad);
  const auto extent = [&](int64_t padding) {
    const int64_t more = m.options.small ? 3 : large ? 60 : 14;
    return std::max<int64_t>(3 - padding, 1) + m.draw.below(more);
  };
  m.operand(image(attrs, m.draw.between(1, m.options.small ? 2 : 4), c, extent(pad[0] + pad[2]),
                  extent(pad[1] + pad[3])));
  m.operand({side * side, c, o});
  finish_contraction(m, std::move(attrs));
}

void make_pool(Maker& m) {
  const Ints window = {m.draw.between(1, 4), m.draw.between(1, 4)};
  // Now and then a window lies wholly in padding (where a maximum is -inf, and a loss that has it
  // no number), or has its places apart.
  const int64_t beyond = !m.smooth() && m.draw.one_in(4) ? 2 : 0;
  const auto padding = [&](size_t i) { return m.draw.below(window[i % 2] + beyond); };
  const Ints pad = {padding(0), padding(1), padding(2), padding(3)};
  const Ints stride = {m.draw.between(1, 4), m.draw.between(1, 4)};
  Attrs attrs{{"window", window}, {"stride", stride}, {"pad", pad}, {"layout", random_layout(m)}};
  Ints dilation = {1, 1};
  if (m.draw.one_in(4)) {
    dilation = {m.draw.between(1, 3), m.draw.between(1, 3)};
    attrs.set("dilation", dilation);
  }
  const auto side = [&](size_t i) {
    return dilation[i] * (window[i] - 1) + 1 + m.draw.below(m.options.small ? 3 : 14);
  };
  const int64_t n = m.draw.between(1, 3), c = m.draw.between(1, m.options.small ? 2 : 40);
  const int64_t h = side(0), w = side(1);
  const Shape x = image(attrs, n, c, h, w);
  DType dtype = DType::f32;
  if (&m.op == &op::max_pool2d && !m.smooth() && m.draw.one_in(4)) {
    dtype = m.draw.one_in(2) ? DType::u8 : DType::i8;
    m.integers = {-128, 127};
  }
  const std::vector<TensorType> types = {{dtype, x}};
  const bool average = &m.op == &op::avg_pool2d || &m.op == &op::avg_pool2d_grad;
  if (average) attrs.set("count_pad", m.draw.below(2));
  const Shape y = ir::infer(average ? op::avg_pool2d : op::max_pool2d, types, attrs, "")[0].shape;
  if (&m.op == &op::avg_pool2d_grad) {
    attrs.set("shape", x.dims());
    m.operand(y);
  } else {
    m.operand(x, dtype);
    if (&m.op == &op::max_pool2d_grad) m.operand(y);
  }
  m.finish(std::move(attrs));
}

void make_random(Maker& m) {
  m.operand({}, DType::i64);
  m.operand({}, DType::i64);
  m.finish({{"shape", m.shape(static_cast<int>(m.draw.between(0, 4))).dims()},
            {"key", m.draw.below(1 << 30)}});
}

struct Row {
  const OpSpec* op;
  void (*make)(Maker&);
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
  Maker maker(op, seed, options);
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

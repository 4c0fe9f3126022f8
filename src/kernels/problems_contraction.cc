// Random cases of contractions and windows.
#include <algorithm>

#include "kernels/problem_maker.h"

namespace hone::kernels {
namespace {

namespace op = ir::op;
using ir::Attrs;
using ir::Ints;
using ir::ValueId;

/// What a contraction's two operands hold.
struct OperandDtypes {
  DType x = DType::f32, w = DType::f32;

  /// Now and then integers of 8 bits.
  static OperandDtypes random(CaseMaker& m) {
    constexpr DType kFirst[] = {DType::u8, DType::u8, DType::i8};
    if (m.smooth() || !m.draw.one_in(3)) return {};
    m.integers = {-128, 127};
    return {m.draw.pick(kFirst), m.draw.one_in(6) ? DType::u8 : DType::i8};
  }
};

/// Appends the node, perhaps with an epilogue over the shape of its result.
void finish_contraction(CaseMaker& m, Attrs attrs) {
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

Shape image(const Attrs& attrs, int64_t n, int64_t c, int64_t h, int64_t w) {
  return attrs.get<std::string>("layout") == "nchw" ? Shape{n, c, h, w} : Shape{n, h, w, c};
}

std::string random_layout(CaseMaker& m) { return m.draw.one_in(2) ? "nchw" : "nhwc"; }

int64_t random_byte(CaseMaker& m, DType dtype) {
  return dtype == DType::u8 ? m.draw.below(256) : m.draw.between(-128, 127);
}

}  // namespace

void make_matmul(CaseMaker& m) {
  // Now and then larger than the blocks and the chunks of a packed product, in all three extents.
  const bool large = !m.options.small && m.draw.one_in(6);
  const int64_t rows = m.draw.one_in(8) ? 1 : large ? m.draw.between(100, 260) : m.extent_or_none();
  const int64_t columns = large ? m.draw.between(100, 300) : m.extent_or_none();
  const int64_t depth = large ? m.draw.between(200, 700) : m.extent_or_none();
  const int64_t axes = large || m.draw.one_in(2) ? 0 : m.draw.between(1, 2);
  Ints leading;
  for (int64_t i = 0; i < axes; ++i) leading.push_back(m.draw.between(1, 3));
  Attrs attrs;
  OperandDtypes dtypes = OperandDtypes::random(m);
  if (dtypes.w == DType::f32 && !m.smooth() && m.draw.one_in(4)) {
    dtypes.x = DType::u8;
    if (m.draw.one_in(2)) attrs.set("zero", 127.3f);
    if (m.draw.one_in(2)) attrs.set("scale", 0.017f);
  }
  const auto matrix = [&](int64_t r, int64_t c, const char* transposed, DType dtype) {
    const bool swap = m.draw.one_in(2);
    if (swap) attrs.set(transposed, int64_t{1});
    Ints dims = broadcastable(m.draw, Shape(leading)).dims();
    dims.insert(dims.end(), {swap ? c : r, swap ? r : c});
    m.operand(Shape(dims), dtype);
  };
  matrix(rows, depth, "trans_a", dtypes.x);
  matrix(depth, columns, "trans_b", dtypes.w);
  if (dtypes.w == DType::f32) maybe_shard(m, attrs, depth);
  finish_contraction(m, std::move(attrs));
}

void make_conv(CaseMaker& m) {
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
              {"layout", m.draw.one_in(4) ? "nhwc_hwio" : random_layout(m)}};
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
  const Shape w = attrs.get<std::string>("layout") == "nhwc_hwio" ? Shape{kh, kw, group_c, o}
                                                                  : Shape{o, group_c, kh, kw};
  const std::vector<TensorType> types = {{DType::f32, x}, {DType::f32, w}};
  const Shape y = ir::infer(op::conv2d, types, attrs, "")[0].shape;
  if (&m.op == &op::conv2d) {
    const OperandDtypes dtypes = OperandDtypes::random(m);
    if (dtypes.x != DType::f32 && m.draw.one_in(2))
      attrs.set("pad_value", random_byte(m, dtypes.x));
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

void make_winograd_filter(CaseMaker& m) {
  const int64_t most = m.options.small ? 3 : 40;
  const bool integers = !m.smooth() && m.draw.one_in(3);
  m.operand({m.draw.between(1, most), m.draw.between(1, most), 3, 3},
            integers ? DType::i8 : DType::f32);
  Attrs attrs{{"tile", integers || m.draw.one_in(2) ? 2 : 4}};
  if (integers) m.integers = {-128, 127};
  else if (m.draw.one_in(2)) attrs.set("gradient", int64_t{1});
  m.finish(std::move(attrs));
}

void make_winograd(CaseMaker& m) {
  const bool integers = !m.smooth() && m.draw.one_in(2);
  const int64_t tile = integers || m.draw.one_in(2) ? 2 : 4, side = tile + 2;
  // Now and then chains longer than the chunks of a kernel, more lines than one round of it, or
  // more channels of a line than one block of it.
  const bool deep = !m.options.small && m.draw.one_in(6), large = !deep && m.draw.one_in(6);
  const bool wide = !m.options.small && !deep && !large && m.draw.one_in(2);
  const int64_t c = deep ? m.draw.between(390, 800) : m.draw.between(1, m.options.small ? 2 : 40);
  const int64_t o = m.draw.between(1, m.options.small ? 3 : deep ? 20 : wide ? 200 : 80);
  Attrs attrs{{"tile", tile}, {"pad", Ints{0, 0, 0, 0}}, {"layout", random_layout(m)}};
  Ints pad;
  for (int i = 0; i < 4; ++i) pad.push_back(m.draw.below(3));
  attrs.set("pad", pad);
  const auto extent = [&](int64_t padding) {
    const int64_t more = m.options.small ? 3 : large ? 60 : 14;
    return std::max<int64_t>(3 - padding, 1) + m.draw.below(more);
  };
  const DType dtype = !integers ? DType::f32 : m.draw.one_in(3) ? DType::i8 : DType::u8;
  if (integers) {
    // What i8 is at the points; of an x of i8, the low bits of that.
    m.integers = {-9 * 128, 9 * 128};
    attrs.set("pad_value", random_byte(m, dtype));
  }
  m.operand(image(attrs, m.draw.between(1, m.options.small ? 2 : 4), c, extent(pad[0] + pad[2]),
                  extent(pad[1] + pad[3])),
            dtype);
  m.operand({side * side, c, o}, integers ? DType::i16 : DType::f32);
  finish_contraction(m, std::move(attrs));
}

void make_pool(CaseMaker& m) {
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

}  // namespace hone::kernels

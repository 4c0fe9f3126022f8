// Reading a problem's shapes and attributes; what "int8.dot" refuses.
#include "kernels/int8/geometry.h"

#include "base/dtype.h"
#include "ir/infer.h"
#include "kernels/int8/int8.h"
#include "kernels/int8/sum_epilogue.h"

namespace hone::kernels {

DotGeometry dot_geometry(const Problem& problem) {
  const Shape& x = problem.operands[0].shape;
  const Shape& w = problem.operands[1].shape;
  if (problem.node->is(ir::op::matmul)) {
    const ir::MatmulDims d = ir::matmul_dims(x, w, problem.attrs());
    const int64_t rows = d.leading.elements() * d.rows;
    return {1, rows, 1, d.depth, rows, 1, d.cols};
  }
  const ir::ConvDims d = ir::conv_dims(x, w, problem.attrs());
  const int64_t pixels = d.n * d.oh * d.ow;
  if (d.kh * d.kw * d.groups == 1 && pixels == d.n * d.h * d.w && d.stride_h * d.stride_w == 1)
    return {1, pixels, 1, d.c, pixels, 1, d.o};
  return {d.n,        d.h,          d.w,          d.c,          d.oh,        d.ow,
          d.o,        d.pad_top,    d.pad_left,   d.pad_bottom, d.pad_right, d.stride_h,
          d.stride_w, d.dilation_h, d.dilation_w, d.kh,         d.kw,        d.groups};
}

bool in_pairs(const DotFns& fns, int64_t kw, int64_t stride_w, int64_t dilation_w) {
  return fns.depthwise_pairs != nullptr && kw == 3 && stride_w == 1 && dilation_w == 1;
}

ir::PanelFormat dot_panels(const ir::Node& node, const Shape& w, Isa isa) {
  const DotFns& fns = dot_fns(isa);
  if (node.is(ir::op::matmul)) {
    const bool trans = node.attrs.flag("trans_b");
    const int64_t depth = w[w.rank() - (trans ? 1 : 2)], cols = w[w.rank() - (trans ? 2 : 1)];
    return {w,         {1, 0},      {1, 0},  {depth, trans ? 1 : cols}, {cols, trans ? depth : 1},
            fns.lanes, fns.vectors, fns.step};
  }
  const int64_t groups = node.attrs.integer("groups"), out = w[3];
  const bool depthwise = groups > 1 && w[2] == 1 && out == groups;
  if (depthwise &&
      in_pairs(fns, w[1], node.attrs.ints("stride")[1], node.attrs.ints("dilation")[1]))
    return {w, {1, 0}, {w[0], w[1] * out}, {w[1], out}, {out, 1}, fns.channels, 1, fns.step};
  if (depthwise)
    return {w, {1, 0}, {1, 0}, {w[0] * w[1], out}, {out, 1}, fns.channels, 1, fns.step};
  const bool lines = groups == 1 && (node.attrs.ints("dilation")[1] == 1 || w[1] == 1);
  const int64_t runs = lines ? w[0] : w[0] * w[1], depth = lines ? w[1] * w[2] : w[2];
  return {w,
          {groups, out / groups},
          {runs, depth * out},
          {depth, out},
          {out / groups, 1},
          fns.lanes,
          fns.vectors,
          fns.step};
}

std::string refuse_dot(const Problem& problem) {
  const TensorType& x = problem.operands[0];
  const TensorType& w = problem.operands[1];
  if (!is_byte(x.dtype) || w.dtype != DType::i8) return "operands are not u8 or i8, and i8";
  if (problem.node->is(ir::op::matmul)) {
    const ir::MatmulDims d = ir::matmul_dims(x.shape, w.shape, problem.attrs());
    if (problem.attrs().flag("trans_a")) return "the first operand is transposed";
    if (d.leading_b.elements() != 1) return "the second operand is several matrices";
  } else {
    if (problem.attrs().get<std::string>("layout") != "nhwc_hwio") return "layout is not nhwc_hwio";
  }
  return SumEpilogue::refuse(problem);
}

std::optional<ir::PanelFormat> wanted_dot_panels(const ir::Node& node, const TensorType& weight,
                                                 Isa isa) {
  if (weight.dtype != DType::i8) return {};
  if (node.is(ir::op::conv2d)) {
    if (node.attrs.get<std::string>("layout") != "nhwc_hwio") return {};
  } else if (weight.shape.rank() != 2) {
    return {};
  }
  return dot_panels(node, weight.shape, isa);
}

}  // namespace hone::kernels

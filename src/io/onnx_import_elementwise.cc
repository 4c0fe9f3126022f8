// Import rows of the elementwise ops and of the reductions.
#include "base/error.h"
#include "io/onnx_axes.h"
#include "io/onnx_importer.h"
#include "ir/infer.h"

namespace hone::io {
namespace {

using ir::ValueId;
using Node = onnx::NodeProto;

template <const ir::OpSpec& Op>
void unary(OnnxImporter& in, const Node& n) {
  in.bind(n, in.add(n, Op, {in.value(n, 0)}));
}

template <const ir::OpSpec& Op>
void binary(OnnxImporter& in, const Node& n) {
  in.bind(n, in.add(n, Op, {in.value(n, 0), in.value(n, 1)}));
}

// Max, Min and Sum take any number of inputs.
template <const ir::OpSpec& Op>
void variadic(OnnxImporter& in, const Node& n) {
  ValueId all = in.value(n, 0);
  for (int i = 1; i < n.input_size(); ++i) all = in.add(n, Op, {all, in.value(n, i)});
  in.bind(n, all);
}

void less(OnnxImporter& in, const Node& n) {
  in.bind(n, in.add(n, ir::op::greater, {in.value(n, 1), in.value(n, 0)}));
}

void where(OnnxImporter& in, const Node& n) {
  in.bind(n, in.add(n, ir::op::select, {in.value(n, 0), in.value(n, 1), in.value(n, 2)}));
}

// The limits are attributes before opset 11 and inputs after.
void clip(OnnxImporter& in, const Node& n) {
  ValueId x = in.value(n, 0);
  const DType dtype = in.type(n, 0).dtype;
  const auto limit = [&](int i, std::string_view name) -> std::optional<ValueId> {
    if (in.has(n, i)) return in.value(n, i);
    if (find_attribute(n, name) != nullptr) return in.scalar(dtype, float_of(n, name, 0));
    return {};
  };
  if (const auto low = limit(1, "min")) x = in.add(n, ir::op::max, {x, *low});
  if (const auto high = limit(2, "max")) x = in.add(n, ir::op::min, {x, *high});
  in.bind(n, x);
}

// A shape that is cast stays shape data; the batch itself, as a float, is hone's `dim`.
void cast(OnnxImporter& in, const Node& n) {
  const DType to = dtype_from_onnx(static_cast<int32_t>(int_of(n, "to", 0)));
  const OnnxValue& from = in.input(n, 0);
  if (from.batch_of == ir::kNoValue) {
    in.bind(n, in.add(n, ir::op::cast, {in.value(n, 0)}, {{"dtype", std::string(name_of(to))}}));
    return;
  }
  const ValueId source = from.batch_of;
  if (to == DType::i64 || to == DType::i32) {
    in.bind(n, OnnxValue{from});
  } else if (to == DType::f32 && from.is_scalar) {
    in.bind(n, in.add(n, ir::op::dim, {source}, {{"axis", int64_t{0}}}));
  } else {
    fail(ErrorKind::Unsupported, "a shape that holds the batch cannot be cast to {}", name_of(to));
  }
}

struct Reduction {
  std::vector<int64_t> axes;
  int64_t keep;
};

// Axes are an attribute in older opsets and an input in newer ones; without any, all are reduced.
Reduction reduction(OnnxImporter& in, const Node& n) {
  const int rank = in.type(n, 0).shape.rank();
  Reduction r{axes_of(in, n, rank), int_of(n, "keepdims", 1)};
  if (r.axes.empty() && int_of(n, "noop_with_empty_axes", 0) == 0)
    for (int a = 0; a < rank; ++a) r.axes.push_back(a);
  return r;
}

ValueId reduce(OnnxImporter& in, const Node& n, const ir::OpSpec& op, ValueId x,
               const Reduction& r) {
  ir::Attrs attrs{{"axes", r.axes}};
  if (r.keep != 0) attrs.set("keep", int64_t{1});
  return in.add(n, op, {x}, std::move(attrs));
}

template <const ir::OpSpec& Op>
void reduce_row(OnnxImporter& in, const Node& n) {
  in.bind(n, reduce(in, n, Op, in.value(n, 0), reduction(in, n)));
}

void reduce_mean(OnnxImporter& in, const Node& n) {
  const Reduction r = reduction(in, n);
  const ValueId x = in.value(n, 0);
  const TensorType type = in.graph().type(x);
  double count = 1;
  for (int64_t a : r.axes) {
    const int64_t extent = type.shape[static_cast<int>(a)];
    if (extent == kBatch) fail(ErrorKind::Unsupported, "a mean over the batch is not supported");
    count *= static_cast<double>(extent);
  }
  const ValueId sum = reduce(in, n, ir::op::reduce_sum, x, r);
  in.bind(n, in.add(n, ir::op::div, {sum, in.scalar(type.dtype, count)}));
}

void argmax(OnnxImporter& in, const Node& n) {
  if (int_of(n, "select_last_index", 0) != 0)
    fail(ErrorKind::Unsupported, "select_last_index is not supported");
  const Shape shape = in.type(n, 0).shape;
  const int64_t axis = axis_of(int_of(n, "axis", 0), shape.rank());
  const ValueId index = in.add(n, ir::op::argmax, {in.value(n, 0)}, {{"axis", axis}});
  if (int_of(n, "keepdims", 1) == 0) return in.bind(n, index);
  std::vector<int64_t> kept = shape.dims();
  kept[static_cast<size_t>(axis)] = 1;
  in.bind(n, in.add(n, ir::op::reshape, {index}, {{"shape", kept}}));
}

// exp(x - max) / sum, or x - max - log(sum). Before opset 13 the axes from `axis` on are one.
void softmax(OnnxImporter& in, const Node& n) {
  const ValueId x = in.value(n, 0);
  const int rank = in.type(n, 0).shape.rank();
  const bool flattens = in.opset() < 13;
  const int64_t axis = axis_of(int_of(n, "axis", flattens ? 1 : -1), rank);
  if (flattens && axis != rank - 1)
    fail(ErrorKind::Unsupported, "before opset 13, only the last axis is supported");
  const Reduction r{{axis}, 1};
  const ValueId shifted = in.add(n, ir::op::sub, {x, reduce(in, n, ir::op::reduce_max, x, r)});
  const ValueId powers = in.add(n, ir::op::exp, {shifted});
  const ValueId sum = reduce(in, n, ir::op::reduce_sum, powers, r);
  if (n.op_type() == "Softmax") in.bind(n, in.add(n, ir::op::div, {powers, sum}));
  else in.bind(n, in.add(n, ir::op::sub, {shifted, in.add(n, ir::op::log, {sum})}));
}

}  // namespace

std::vector<OnnxImportRow> onnx_elementwise_rows() {
  namespace op = ir::op;
  return {{"Neg", unary<op::neg>},
          {"Abs", unary<op::abs>},
          {"Exp", unary<op::exp>},
          {"Log", unary<op::log>},
          {"Sqrt", unary<op::sqrt>},
          {"Tanh", unary<op::tanh>},
          {"Sigmoid", unary<op::sigmoid>},
          {"Erf", unary<op::erf>},
          {"Cos", unary<op::cos>},
          {"Relu", unary<op::relu>},
          {"Add", binary<op::add>},
          {"Sub", binary<op::sub>},
          {"Mul", binary<op::mul>},
          {"Div", binary<op::div>},
          {"Equal", binary<op::equal>},
          {"Greater", binary<op::greater>},
          {"Less", less},
          {"Max", variadic<op::max>},
          {"Min", variadic<op::min>},
          {"Sum", variadic<op::add>},
          {"Where", where},
          {"Clip", clip},
          {"Cast", cast},
          {"ReduceSum", reduce_row<op::reduce_sum>},
          {"ReduceMax", reduce_row<op::reduce_max>},
          {"ReduceMean", reduce_mean},
          {"ArgMax", argmax},
          {"Softmax", softmax},
          {"LogSoftmax", softmax}};
}

}  // namespace hone::io

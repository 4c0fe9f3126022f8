// Import rows of the ops whose results are known at import: constants, shapes, ranges.
#include <cmath>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

void constant(OnnxImporter& in, const Node& n) {
  OnnxValue out;
  out.name = in.node_name(n);
  if (const auto* a = find_attribute(n, "value")) {
    out.tensor = in.contents(a->t());
  } else if (find_attribute(n, "value_float") != nullptr) {
    out.tensor = Tensor::scalar(static_cast<float>(float_of(n, "value_float", 0)));
  } else if (find_attribute(n, "value_floats") != nullptr) {
    const std::vector<float> values = floats_of(n, "value_floats");
    out.tensor = Tensor::from<float>({static_cast<int64_t>(values.size())}, values);
  } else if (find_attribute(n, "value_int") != nullptr) {
    out.tensor = Tensor::scalar_i64(int_of(n, "value_int", 0));
  } else if (find_attribute(n, "value_ints") != nullptr) {
    const Ints values = ints_of(n, "value_ints");
    out.tensor = Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
  } else {
    fail(ErrorKind::Unsupported, "strings and sparse tensors are not supported");
  }
  in.bind(n, std::move(out));
}

// One value, as many times as a shape says: a broadcast, so that nothing is held here.
void constant_of_shape(OnnxImporter& in, const Node& n) {
  const auto* a = find_attribute(n, "value");
  const Tensor value = a == nullptr ? Tensor::scalar(0) : in.contents(a->t());
  require(value.elements() == 1, "expected one value, found {}", value.type());
  const Ints dims = in.numbers(n, 0);
  for (int64_t d : dims) require(d >= 0, "extent {} is negative", d);
  in.bind(n, ir::broadcast(in.constant(value.reshaped({})), Shape(dims)));
}

// As many as fit between start and limit.
void range(OnnxImporter& in, const Node& n) {
  const DType dtype = in.type(n, 0).dtype;
  const auto number = [&](int i) {
    const std::vector<double> v = in.reals(n, i);
    require(v.size() == 1, "expected start, limit and step to be one number each");
    return v[0];
  };
  const double start = number(0);
  const double step = number(2);
  require(step != 0, "the step is 0");
  const double count = std::max(0.0, std::ceil((number(1) - start) / step));
  if (!(count <= INT32_MAX)) fail(ErrorKind::Unsupported, "a range of {} numbers", count);
  in.charge(static_cast<int64_t>(count));
  Tensor all(DType::f64, {static_cast<int64_t>(count)});
  for (int64_t i = 0; i < all.elements(); ++i)
    all.data<double>()[i] = start + static_cast<double>(i) * step;
  in.bind(n, in.constant(all.cast(dtype)));
}

void eye_like(OnnxImporter& in, const Node& n) {
  const TensorType like = in.type(n, 0);
  require(like.shape.rank() == 2 && like.shape.is_static(), "expected a matrix, found {}", like);
  const int64_t rows = like.shape[0];
  const int64_t cols = like.shape[1];
  in.charge(like.shape.elements());
  const int64_t k = int_of(n, "k", 0);
  Tensor eye(DType::f32, like.shape);
  for (int64_t r = 0; r < rows; ++r)
    if (r + k >= 0 && r + k < cols) eye.data<float>()[r * cols + r + k] = 1;
  const auto to = static_cast<int32_t>(int_of(n, "dtype", onnx_dtype(like.dtype)));
  in.bind(n, in.constant(eye.cast(dtype_from_onnx(to))));
}

void size(OnnxImporter& in, const Node& n) {
  const Shape shape = in.type(n, 0).shape;
  if (!shape.is_static())
    fail(ErrorKind::Unsupported, "{} holds the symbolic batch: give its extent", shape.to_string());
  in.bind(n, in.constant(Tensor::scalar_i64(shape.elements())));
}

void identity(OnnxImporter& in, const Node& n) { in.bind(n, in.input(n, 0)); }

// Nothing is dropped at inference; the mask says so.
void dropout(OnnxImporter& in, const Node& n) {
  if (in.has(n, 2)) {
    const Tensor training = in.tensor(n, 2);
    const Tensor ratio = in.has(n, 1) ? in.tensor(n, 1).cast(DType::f64) : Tensor{};
    require(training.dtype() == DType::boolean && training.elements() == 1,
            "expected one boolean as training_mode");
    const bool drops = !ratio.defined() || ratio.elements() != 1 || ratio.data<double>()[0] != 0;
    if (training.data<bool>()[0] && drops)
      fail(ErrorKind::Unsupported, "training_mode is not supported");
  }
  in.bind(n, in.input(n, 0));
  if (!in.wants(n, 1)) return;
  Tensor kept(DType::boolean, {});
  kept.data<bool>()[0] = true;
  const Expr mask = ir::broadcast(in.constant(kept), in.type(n, 0).shape);
  in.bind(n, 1, in.opset() < 10 ? ir::cast(mask, in.type(n, 0).dtype) : mask);
}

}  // namespace

std::vector<OnnxImportRow> onnx_constant_rows() {
  return {{"Constant", constant}, {"ConstantOfShape", constant_of_shape},
          {"Range", range},       {"EyeLike", eye_like},
          {"Size", size},         {"Identity", identity},
          {"Dropout", dropout}};
}

}  // namespace hone::io

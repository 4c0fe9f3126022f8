// Shape rules of the sources, the elementwise ops, the movements and the reductions.
#include "ir/infer.h"

#include <algorithm>

#include "base/error.h"
#include "ir/graph.h"
#include "ir/panels.h"

namespace hone::ir {
namespace {

int64_t axis_in(int64_t axis, int rank, std::string_view what) {
  require(axis >= 0 && axis < rank, "{} {}: expected one in [0, {})", what, axis, rank);
  return axis;
}

Shape reduced(const Shape& in, const Ints& axes, bool keep) {
  std::vector<bool> gone(static_cast<size_t>(in.rank()), false);
  for (int64_t a : axes) gone[static_cast<size_t>(axis_in(a, in.rank(), "axis"))] = true;
  std::vector<int64_t> dims;
  for (int i = 0; i < in.rank(); ++i) {
    if (!gone[static_cast<size_t>(i)]) dims.push_back(in[i]);
    else if (keep) dims.push_back(1);
  }
  return Shape(dims);
}

Shape broadcast_all(Types in) {
  Shape shape = in[0].shape;
  for (const TensorType& t : in.subspan(1)) shape = broadcast_shapes(shape, t.shape);
  return shape;
}

void require_same_dtype(Types in) {
  for (const TensorType& t : in)
    require(t.dtype == in[0].dtype, "expected operands of one dtype, found {} and {}",
            name_of(in[0].dtype), name_of(t.dtype));
}

/// The shape of what `indices` take from `x` along the axis.
Shape gathered(const Shape& x, const TensorType& indices, const Attrs& attrs) {
  require(indices.dtype == DType::i64, "expected i64 indices, found {}", indices);
  const auto axis = axis_in(attrs.integer("axis"), x.rank(), "axis");
  require(x[static_cast<int>(axis)] != kBatch, "cannot index the batch");
  std::vector<int64_t> dims(x.dims().begin(), x.dims().begin() + axis);
  dims.insert(dims.end(), indices.shape.dims().begin(), indices.shape.dims().end());
  dims.insert(dims.end(), x.dims().begin() + axis + 1, x.dims().end());
  return Shape(dims);
}

}  // namespace

void require_float(const TensorType& type) {
  require(type.dtype == DType::f32 || type.dtype == DType::f64, "expected f32, found {}", type);
}

void require_reasonable(const Shape& shape) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t elements = 1;
  bool fits = true;
  for (int64_t d : shape.dims()) {
    require(d >= 0 || d == kBatch, "shape {} has a negative extent", shape);
    fits =
        fits && d <= kMost && !__builtin_mul_overflow(elements, std::max<int64_t>(d, 1), &elements);
  }
  require(fits && elements <= kMost, "shape {} is too large", shape);
}

Shape broadcast_shapes(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int i = 1; i <= rank; ++i) {
    const int64_t da = i <= a.rank() ? a[a.rank() - i] : 1;
    const int64_t db = i <= b.rank() ? b[b.rank() - i] : 1;
    require(da == db || da == 1 || db == 1, "shapes {} and {} do not broadcast", a, b);
    dims[static_cast<size_t>(rank - i)] = da == 1 ? db : da;
  }
  return Shape(dims);
}

Inferred infer_declared(Types, const Attrs& attrs) {
  return {{dtype_from_name(attrs.get<std::string>("dtype")), Shape(attrs.ints("shape"))}};
}

Inferred infer_constant(Types, const Attrs& attrs) { return {attrs.get<Tensor>("value").type()}; }

Inferred infer_elementwise(Types in, const Attrs&) {
  require_same_dtype(in);
  return {{in[0].dtype, broadcast_all(in)}};
}

Inferred infer_compare(Types in, const Attrs&) {
  require_same_dtype(in);
  return {{DType::boolean, broadcast_all(in)}};
}

Inferred infer_select(Types in, const Attrs&) {
  require(in[0].dtype == DType::boolean, "expected a bool condition, found {}", in[0]);
  require_same_dtype(in.subspan(1));
  return {{in[1].dtype, broadcast_all(in)}};
}

Inferred infer_cast(Types in, const Attrs& attrs) {
  return {{dtype_from_name(attrs.get<std::string>("dtype")), in[0].shape}};
}

Inferred infer_fused(Types in, const Attrs& attrs) {
  const Graph& body = *attrs.get<Region>("body");
  const std::vector<ValueId> inputs = body.inputs();
  require(inputs.size() == in.size(), "body takes {} inputs, found {} operands", inputs.size(),
          in.size());
  for (size_t i = 0; i < in.size(); ++i)
    require(body.type(inputs[i]) == in[i], "body input {} is {}, operand is {}", i,
            body.type(inputs[i]), in[i]);
  require(!body.outputs().empty(), "body has no output");
  Inferred out;
  for (const Output& o : body.outputs()) {
    out.push_back(body.type(o.value));
    require(out.back().shape == out[0].shape, "body outputs have shapes {} and {}: expected one",
            out[0].shape, out.back().shape);
  }
  return out;
}

Inferred infer_reshape(Types in, const Attrs& attrs) {
  const Shape& from = in[0].shape;
  std::vector<int64_t> dims = attrs.ints("shape");
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 0) continue;
    require(static_cast<int>(i) < from.rank(), "shape keeps dimension {} of {}", i, from);
    dims[i] = from[static_cast<int>(i)];
  }
  const Shape to(dims);
  require_reasonable(to);
  // The symbolic batch must stand on both sides or on neither; the rest must agree in count.
  const auto product = [](const Shape& s) {
    int64_t n = 1;
    for (int64_t d : s.dims()) n *= d == kBatch ? 1 : d;
    return n;
  };
  const auto symbolic = [](const Shape& s) {
    return std::count(s.dims().begin(), s.dims().end(), kBatch);
  };
  require(symbolic(from) == symbolic(to) && product(from) == product(to), "cannot reshape {} to {}",
          from, to);
  return {{in[0].dtype, to}};
}

Inferred infer_transpose(Types in, const Attrs& attrs) {
  const Ints& perm = attrs.ints("perm");
  const Shape& from = in[0].shape;
  Ints sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool is_permutation = static_cast<int>(perm.size()) == from.rank();
  for (size_t i = 0; i < sorted.size(); ++i) is_permutation &= sorted[i] == static_cast<int64_t>(i);
  require(is_permutation, "perm {} does not permute the axes of {}", Shape(perm), from);
  std::vector<int64_t> dims;
  for (int64_t p : perm) dims.push_back(from[static_cast<int>(p)]);
  return {{in[0].dtype, Shape(dims)}};
}

Inferred infer_broadcast(Types in, const Attrs& attrs) {
  const Shape to(attrs.ints("shape"));
  require(broadcast_shapes(in[0].shape, to) == to, "cannot broadcast {} to {}", in[0].shape, to);
  return {{in[0].dtype, to}};
}

Inferred infer_concat(Types in, const Attrs& attrs) {
  require_same_dtype(in);
  Shape out = in[0].shape;
  const int axis = static_cast<int>(axis_in(attrs.integer("axis"), out.rank(), "axis"));
  for (const TensorType& t : in.subspan(1)) {
    require(t.shape.rank() == out.rank(), "expected operands of one rank, found {} and {}",
            in[0].shape, t.shape);
    for (int i = 0; i < out.rank(); ++i)
      require(i == axis || t.shape[i] == out[i], "operands {} and {} differ beside axis {}",
              in[0].shape, t.shape, axis);
    require(out[axis] != kBatch && t.shape[axis] != kBatch, "cannot concatenate along the batch");
    out[axis] += t.shape[axis];
  }
  return {{in[0].dtype, out}};
}

Inferred infer_slice(Types in, const Attrs& attrs) {
  Shape out = in[0].shape;
  const int axis = static_cast<int>(axis_in(attrs.integer("axis"), out.rank(), "axis"));
  const int64_t begin = attrs.integer("begin");
  const int64_t end = attrs.integer("end");
  require(0 <= begin && begin <= end && end <= out[axis], "slice [{}, {}) of an axis of {}", begin,
          end, out[axis]);
  out[axis] = end - begin;
  return {{in[0].dtype, out}};
}

Inferred infer_pad(Types in, const Attrs& attrs) {
  Shape out = in[0].shape;
  const int axis = static_cast<int>(axis_in(attrs.integer("axis"), out.rank(), "axis"));
  const int64_t before = attrs.integer("before"), after = attrs.integer("after");
  require(before >= 0 && after >= 0 && out[axis] != kBatch,
          "expected padding of at least 0 beside the batch");
  require_reasonable({before});
  require_reasonable({after});
  out[axis] += before + after;
  return {{in[0].dtype, out}};
}

Inferred infer_one_hot(Types in, const Attrs& attrs) {
  require(in[0].dtype == DType::i64, "expected i64 indices, found {}", in[0]);
  std::vector<int64_t> dims = in[0].shape.dims();
  dims.push_back(attrs.integer("depth"));
  return {{DType::f32, Shape(dims)}};
}

Inferred infer_gather(Types in, const Attrs& attrs) {
  return {{in[0].dtype, gathered(in[0].shape, in[1], attrs)}};
}

Inferred infer_scatter_add(Types in, const Attrs& attrs) {
  const Shape shape(attrs.ints("shape"));
  const Shape updates = gathered(shape, in[1], attrs);
  require_float(in[0]);
  require(in[0].shape == updates, "expected updates of shape {}, found {}", updates, in[0]);
  return {{in[0].dtype, shape}};
}

Inferred infer_cumsum(Types in, const Attrs& attrs) {
  axis_in(attrs.integer("axis"), in[0].shape.rank(), "axis");
  return {in[0]};
}

Inferred infer_topk(Types in, const Attrs& attrs) {
  Shape out = in[0].shape;
  const int axis = static_cast<int>(axis_in(attrs.integer("axis"), out.rank(), "axis"));
  const int64_t k = attrs.integer("k");
  require(0 <= k && k <= out[axis], "k is {}, axis {} has {} places", k, axis, out[axis]);
  out[axis] = k;
  return {{in[0].dtype, out}, {DType::i64, out}};
}

Inferred infer_unpack(Types in, const Attrs& attrs) {
  const PanelFormat format = PanelFormat::from(attrs);
  const bool integers = in[0].dtype == DType::i8 || in[0].dtype == DType::i16;
  const DType dtype = integers ? in[0].dtype : DType::f32;
  const TensorType packed{dtype, {format.elements()}};
  require(in[0] == packed, "expected panels {}, found {}", packed.to_string(), in[0].to_string());
  return {{dtype, format.weight}};
}

Inferred infer_dim(Types in, const Attrs& attrs) {
  axis_in(attrs.integer("axis"), in[0].shape.rank(), "axis");
  return {{DType::f32, {}}};
}

Inferred infer_reduce(Types in, const Attrs& attrs) {
  return {{in[0].dtype, reduced(in[0].shape, attrs.ints("axes"), attrs.flag("keep"))}};
}

Inferred infer_argmax(Types in, const Attrs& attrs) {
  return {{DType::i64, reduced(in[0].shape, {attrs.integer("axis")}, false)}};
}

Inferred infer_moments(Types in, const Attrs& attrs) {
  require_float(in[0]);
  const TensorType out{in[0].dtype, reduced(in[0].shape, attrs.ints("axes"), true)};
  return {out, out};
}

Inferred infer_first(Types in, const Attrs&) { return {in[0]}; }

Inferred infer_shape(Types in, const Attrs& attrs) {
  return {{in[0].dtype, Shape(attrs.ints("shape"))}};
}

Inferred infer_random(Types in, const Attrs& attrs) {
  for (const TensorType& t : in)
    require(t == (TensorType{DType::i64, {}}), "expected i64[] seed and step, found {}", t);
  return {{DType::f32, Shape(attrs.ints("shape"))}};
}

}  // namespace hone::ir

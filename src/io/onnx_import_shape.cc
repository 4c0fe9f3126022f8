// Import rows of the ops that move elements, and of those that compute shapes. Shapes are computed
// at import: an exporter's Shape, Gather, Concat, Reshape is one reshape to hone.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_axes.h"
#include "io/onnx_importer.h"
#include "ir/infer.h"

namespace hone::io {

int64_t axis_of(int64_t axis, int rank) {
  require(axis >= -rank && axis < rank, "axis {}: expected one in [{}, {})", axis, -rank, rank);
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> axes_of(const OnnxImporter& in, const onnx::NodeProto& node, int rank) {
  std::vector<int64_t> axes = in.has(node, 1) ? in.numbers(node, 1) : ints_of(node, "axes");
  for (int64_t& a : axes) a = axis_of(a, rank);
  return axes;
}

namespace {

using ir::Ints;
using ir::ValueId;
using Node = onnx::NodeProto;

void reshape_to(OnnxImporter& in, const Node& n, Ints shape) {
  in.bind(n, in.add(n, ir::op::reshape, {in.value(n, 0)}, {{"shape", std::move(shape)}}));
}

// The batch among a shape's dims becomes "keep" where it stands in place, else N.
Ints batch_kept(Ints dims) {
  if (!dims.empty() && dims[0] == kBatch) dims[0] = 0;
  return dims;
}

// Resolves the -1 of a Reshape, which may stand for the batch or for an extent.
void reshape(OnnxImporter& in, const Node& n) {
  const Shape from = in.type(n, 0).shape;
  Ints to = in.has(n, 1) ? in.numbers(n, 1) : ints_of(n, "shape");
  const bool zero_is_zero = int_of(n, "allowzero", 0) != 0;
  bool batch_free = from.rank() > 0 && from[0] == kBatch;
  int64_t before = 1;
  int64_t after = 1;
  for (int64_t d : from.dims()) before *= d == kBatch ? 1 : d;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0) {
      require(!zero_is_zero && static_cast<int>(i) < from.rank(),
              "shape {}: dimension {} of {} cannot be kept", Shape(to).to_string(), i,
              from.to_string());
      const int64_t kept = from[static_cast<int>(i)];
      if (kept == kBatch) batch_free = false;
      else after *= kept;
    } else if (to[i] == kBatchExtent) {
      batch_free = false;
    } else if (to[i] != -1) {
      require(to[i] > 0, "shape {} has a negative extent", Shape(to).to_string());
      require(!__builtin_mul_overflow(after, to[i], &after), "shape {} is too large",
              Shape(to).to_string());
    }
  }
  require(std::count(to.begin(), to.end(), -1) <= 1, "shape {} leaves two extents open",
          Shape(to).to_string());
  for (int64_t& d : to) {
    if (d == kBatchExtent) {
      d = kBatch;
    } else if (d == -1 && !batch_free) {
      require(after > 0 && before % after == 0, "cannot reshape {} to {}", from.to_string(),
              Shape(to).to_string());
      d = before / after;
    }
  }
  reshape_to(in, n, std::move(to));
}

// Shape data that are only regrouped stay shape data, without a node.
bool stays_shape_data(OnnxImporter& in, const Node& n) {
  const OnnxValue& v = in.input(n, 0);
  return v.numbers && v.value == ir::kNoValue;
}

void bind_numbers(OnnxImporter& in, const Node& n, Ints numbers, ValueId batch_of, bool is_scalar) {
  OnnxValue out;
  out.is_scalar = is_scalar;
  const Shape shape = is_scalar ? Shape{} : Shape{static_cast<int64_t>(numbers.size())};
  if (std::count(numbers.begin(), numbers.end(), kBatchExtent) > 0) out.batch_of = batch_of;
  else out.tensor = Tensor::from<int64_t>(shape, numbers);
  out.numbers = std::move(numbers);
  in.bind(n, std::move(out));
}

void squeeze(OnnxImporter& in, const Node& n) {
  if (stays_shape_data(in, n)) {
    const Ints numbers = in.numbers(n, 0);
    require(numbers.size() == 1, "cannot squeeze {} integers", numbers.size());
    return bind_numbers(in, n, numbers, in.input(n, 0).batch_of, true);
  }
  const Shape from = in.type(n, 0).shape;
  Ints axes = axes_of(in, n, from.rank());
  if (axes.empty())
    for (int i = 0; i < from.rank(); ++i)
      if (from[i] == 1) axes.push_back(i);
  Ints to;
  for (int i = 0; i < from.rank(); ++i) {
    const bool gone = std::count(axes.begin(), axes.end(), i) > 0;
    require(!gone || from[i] == 1, "axis {} of {} is not 1", i, from.to_string());
    if (!gone) to.push_back(from[i]);
  }
  reshape_to(in, n, batch_kept(std::move(to)));
}

void unsqueeze(OnnxImporter& in, const Node& n) {
  if (stays_shape_data(in, n) && in.input(n, 0).is_scalar)
    return bind_numbers(in, n, in.numbers(n, 0), in.input(n, 0).batch_of, false);
  const Shape from = in.type(n, 0).shape;
  const Ints given = in.has(n, 1) ? in.numbers(n, 1) : ints_of(n, "axes");
  const int rank = from.rank() + static_cast<int>(given.size());
  const Ints axes = axes_of(in, n, rank);
  Ints to;
  int next = 0;
  for (int i = 0; i < rank; ++i) {
    const bool is_new = std::count(axes.begin(), axes.end(), i) > 0;
    require(is_new || next < from.rank(), "axes name one axis twice");
    to.push_back(is_new ? 1 : from[next++]);
  }
  reshape_to(in, n, batch_kept(std::move(to)));
}

// All axes before `axis` become one, and all from it on.
void flatten(OnnxImporter& in, const Node& n) {
  const Shape from = in.type(n, 0).shape;
  int64_t axis = int_of(n, "axis", 1);
  if (axis != from.rank()) axis = axis_of(axis, from.rank());
  const bool has_batch = from.rank() > 0 && from[0] == kBatch;
  Ints to = {1, 1};
  for (int i = 0; i < from.rank(); ++i)
    if (from[i] != kBatch) to[i < axis ? 0 : 1] *= from[i];
  if (has_batch) {
    int64_t& extent = to[axis > 0 ? 0 : 1];
    if (extent != 1)
      fail(ErrorKind::Unsupported, "{} cannot be flattened at axis {}: the batch would grow",
           from.to_string(), axis);
    extent = axis == 1 ? 0 : kBatch;
  }
  reshape_to(in, n, std::move(to));
}

void transpose(OnnxImporter& in, const Node& n) {
  const int rank = in.type(n, 0).shape.rank();
  Ints reversed;
  for (int i = rank; i-- > 0;) reversed.push_back(i);
  in.bind(n,
          in.add(n, ir::op::transpose, {in.value(n, 0)}, {{"perm", ints_of(n, "perm", reversed)}}));
}

void expand(OnnxImporter& in, const Node& n) {
  const Shape from = in.type(n, 0).shape;
  Ints wanted = in.numbers(n, 1);
  std::replace(wanted.begin(), wanted.end(), kBatchExtent, kBatch);
  const Shape to = ir::broadcast_shapes(from, Shape(wanted));
  in.bind(n, in.add(n, ir::op::broadcast, {in.value(n, 0)}, {{"shape", to.dims()}}));
}

void concat(OnnxImporter& in, const Node& n) {
  bool all_numbers = n.input_size() > 0;
  for (int i = 0; i < n.input_size(); ++i) {
    const OnnxValue& v = in.input(n, i);
    all_numbers &= v.numbers.has_value() && v.value == ir::kNoValue;
  }
  if (all_numbers) {
    Ints joined;
    ValueId batch_of = ir::kNoValue;
    for (int i = 0; i < n.input_size(); ++i) {
      const Ints part = in.numbers(n, i);
      joined.insert(joined.end(), part.begin(), part.end());
      batch_of = std::max(batch_of, in.input(n, i).batch_of);
    }
    return bind_numbers(in, n, std::move(joined), batch_of, false);
  }
  std::vector<ValueId> parts;
  for (int i = 0; i < n.input_size(); ++i) parts.push_back(in.value(n, i));
  const int64_t axis = axis_of(int_of(n, "axis", 0), in.type(n, 0).shape.rank());
  in.bind(n, in.add(n, ir::op::concat, std::move(parts), {{"axis", axis}}));
}

// hone slices one axis in steps of 1; several axes are several slices.
void slice(OnnxImporter& in, const Node& n) {
  const bool inputs = in.has(n, 1);
  const Ints begins = inputs ? in.numbers(n, 1) : ints_of(n, "starts");
  const Ints ends = inputs ? in.numbers(n, 2) : ints_of(n, "ends");
  Ints axes = in.has(n, 3) ? in.numbers(n, 3) : ints_of(n, "axes");
  const Ints steps = in.has(n, 4) ? in.numbers(n, 4) : Ints(begins.size(), 1);
  if (axes.empty())
    for (size_t i = 0; i < begins.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  require(
      ends.size() == begins.size() && axes.size() == begins.size() && steps.size() == begins.size(),
      "starts, ends, axes and steps differ in length");
  if (std::any_of(steps.begin(), steps.end(), [](int64_t s) { return s != 1; }))
    fail(ErrorKind::Unsupported, "only steps of 1 are supported");
  ValueId x = in.value(n, 0);
  for (size_t i = 0; i < begins.size(); ++i) {
    const Shape from = in.graph().shape(x);
    const int64_t axis = axis_of(axes[i], from.rank());
    const int64_t extent = from[static_cast<int>(axis)];
    if (extent == kBatch) fail(ErrorKind::Unsupported, "the batch cannot be sliced");
    const auto place = [&](int64_t p) {
      return std::clamp<int64_t>(p < 0 ? p + extent : p, 0, extent);
    };
    const int64_t begin = place(begins[i]);
    x = in.add(n, ir::op::slice, {x},
               {{"axis", axis}, {"begin", begin}, {"end", std::max(begin, place(ends[i]))}});
  }
  in.bind(n, x);
}

// Pads are zeros along one axis to hone; several axes are several pads.
void pad(OnnxImporter& in, const Node& n) {
  if (string_of(n, "mode", "constant") != "constant")
    fail(ErrorKind::Unsupported, "only constant padding is supported");
  const double value =
      in.has(n, 2) ? in.tensor(n, 2).cast(DType::f64).data<double>()[0] : float_of(n, "value", 0);
  if (value != 0) fail(ErrorKind::Unsupported, "only padding with zeros is supported");
  if (in.has(n, 3)) fail(ErrorKind::Unsupported, "axes are not supported");
  const Ints pads = in.has(n, 1) ? in.numbers(n, 1) : ints_of(n, "pads");
  ValueId x = in.value(n, 0);
  const size_t rank = static_cast<size_t>(in.graph().shape(x).rank());
  require(pads.size() == 2 * rank, "expected {} pads, found {}", 2 * rank, pads.size());
  for (size_t axis = 0; axis < rank; ++axis)
    if (pads[axis] != 0 || pads[axis + rank] != 0)
      x = in.add(n, ir::op::pad, {x},
                 {{"axis", static_cast<int64_t>(axis)},
                  {"before", pads[axis]},
                  {"after", pads[axis + rank]}});
  in.bind(n, x);
}

void shape(OnnxImporter& in, const Node& n) {
  const ValueId x = in.value(n, 0);
  const Shape from = in.graph().shape(x);
  const auto place = [&](int64_t p) {
    return std::clamp<int64_t>(p < 0 ? p + from.rank() : p, 0, from.rank());
  };
  const int64_t end = place(int_of(n, "end", from.rank()));
  Ints dims;
  for (int64_t i = place(int_of(n, "start", 0)); i < end; ++i) {
    const int64_t d = from[static_cast<int>(i)];
    dims.push_back(d == kBatch ? kBatchExtent : d);
  }
  bind_numbers(in, n, std::move(dims), x, false);
}

// Only of shapes: "the extent of axis i".
void gather(OnnxImporter& in, const Node& n) {
  if (!stays_shape_data(in, n)) fail(ErrorKind::Unsupported, "only shapes can be gathered from");
  const Ints from = in.numbers(n, 0);
  const bool one = in.tensor(n, 1).shape().rank() == 0;
  Ints picked;
  for (int64_t i : in.numbers(n, 1))
    picked.push_back(from[static_cast<size_t>(axis_of(i, static_cast<int>(from.size())))]);
  bind_numbers(in, n, std::move(picked), in.input(n, 0).batch_of, one);
}

void constant(OnnxImporter& in, const Node& n) {
  OnnxValue out;
  out.name = in.node_name(n);
  if (const auto* a = find_attribute(n, "value")) {
    out.tensor = from_proto(a->t());
  } else if (find_attribute(n, "value_float") != nullptr) {
    out.tensor = Tensor::scalar(static_cast<float>(float_of(n, "value_float", 0)));
  } else if (find_attribute(n, "value_int") != nullptr) {
    out.tensor = Tensor::scalar_i64(int_of(n, "value_int", 0));
  } else if (find_attribute(n, "value_ints") != nullptr) {
    const Ints values = ints_of(n, "value_ints");
    out.tensor = Tensor::from<int64_t>({static_cast<int64_t>(values.size())}, values);
  } else {
    fail(ErrorKind::Unsupported, "expected value, value_float, value_int or value_ints");
  }
  in.bind(n, std::move(out));
}

void identity(OnnxImporter& in, const Node& n) { in.bind(n, OnnxValue{in.input(n, 0)}); }

}  // namespace

std::vector<OnnxImportRow> onnx_shape_rows() {
  return {{"Reshape", reshape},     {"Flatten", flatten},     {"Squeeze", squeeze},
          {"Unsqueeze", unsqueeze}, {"Transpose", transpose}, {"Expand", expand},
          {"Concat", concat},       {"Slice", slice},         {"Pad", pad},
          {"Shape", shape},         {"Gather", gather},       {"Constant", constant},
          {"Identity", identity},   {"Dropout", identity}};
}

}  // namespace hone::io

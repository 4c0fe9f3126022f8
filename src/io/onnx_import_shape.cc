// Import rows of the ops that move elements, and of those that compute shapes. Shapes are computed
// at import: an exporter's Shape, Gather, Concat, Reshape is one reshape to hone.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_axes.h"
#include "io/onnx_rows.h"
#include "io/tensor_bytes.h"
#include "ir/infer.h"

namespace hone::io {

int64_t axis_of(int64_t axis, int rank) {
  require(axis >= -rank && axis < rank, "axis {}: expected one in [{}, {})", axis, -rank, rank);
  return axis < 0 ? axis + rank : axis;
}

std::vector<int64_t> axes_of(OnnxImporter& in, const onnx::NodeProto& node, int rank) {
  std::vector<int64_t> axes = in.has(node, 1) ? in.numbers(node, 1) : ints_of(node, "axes");
  for (int64_t& a : axes) a = axis_of(a, rank);
  return axes;
}

namespace {

using ir::Ints;
using ir::ValueId;
using Node = onnx::NodeProto;

bool is_empty(const Shape& shape) { return shape.is_static() && shape.elements() == 0; }

void reshape_to(OnnxImporter& in, const Node& n, Ints shape) {
  // A tensor without elements is known whatever computes it; to hone's reshape, 0 means "keep".
  const TensorType from = in.type(n, 0);
  if (is_empty(from.shape)) return in.bind(n, in.constant(Tensor(from.dtype, Shape(shape))));
  in.bind(n, in.add(ir::op::reshape, {in.value(n, 0)}, {{"shape", std::move(shape)}}));
}

// The batch among a shape's dims becomes "keep" where it stands in place, else N.
Ints batch_kept(Ints dims) {
  if (!dims.empty() && dims[0] == kBatch) dims[0] = 0;
  return dims;
}

// Of a tensor without elements; whatever extent is left open is 0.
void reshape_empty(OnnxImporter& in, const Node& n, const Shape& from, Ints to) {
  const bool zero_is_zero = int_of(n, "allowzero", 0) != 0;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == -1) to[i] = 0;
    else if (to[i] == 0 && !zero_is_zero && static_cast<int>(i) < from.rank())
      to[i] = from[static_cast<int>(i)];
    require(to[i] >= 0, "shape {} has a negative extent", Shape(to));
  }
  require(std::count(to.begin(), to.end(), 0) > 0, "cannot reshape {} to {}", from, Shape(to));
  checked_bytes(in.type(n, 0).dtype, to);
  reshape_to(in, n, std::move(to));
}

// Resolves the -1 of a Reshape, which may stand for the batch or for an extent.
void reshape(OnnxImporter& in, const Node& n) {
  const Shape from = in.type(n, 0).shape;
  Ints to = in.has(n, 1) ? in.extents(n, 1) : ints_of(n, "shape");
  if (is_empty(from)) return reshape_empty(in, n, from, std::move(to));
  const bool zero_is_zero = int_of(n, "allowzero", 0) != 0;
  bool batch_free = from.rank() > 0 && from[0] == kBatch;
  int64_t before = 1;
  int64_t after = 1;
  for (int64_t d : from.dims()) before *= d == kBatch ? 1 : d;
  const auto multiply = [&](int64_t extent) {
    require(!__builtin_mul_overflow(after, extent, &after), "shape {} is too large", Shape(to));
  };
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i] == 0) {
      require(!zero_is_zero && static_cast<int>(i) < from.rank(),
              "shape {}: dimension {} of {} cannot be kept", Shape(to), i, from);
      const int64_t kept = from[static_cast<int>(i)];
      if (kept == kBatch) batch_free = false;
      else multiply(kept);
    } else if (to[i] == kBatchExtent) {
      batch_free = false;
    } else if (to[i] != -1) {
      require(to[i] > 0, "shape {} has a negative extent", Shape(to));
      multiply(to[i]);
    }
  }
  require(std::count(to.begin(), to.end(), -1) <= 1, "shape {} leaves two extents open", Shape(to));
  for (int64_t& d : to) {
    if (d == kBatchExtent) {
      d = kBatch;
    } else if (d == -1 && !batch_free) {
      require(after > 0 && before % after == 0, "cannot reshape {} to {}", from, Shape(to));
      d = before / after;
    }
  }
  reshape_to(in, n, std::move(to));
}

// Shape data that hold the symbolic batch have no node: they are regrouped here.
bool is_symbolic(OnnxImporter& in, const Node& n, int i = 0) {
  return in.input(n, i).batch_of != ir::kNoValue;
}

void bind_extents(OnnxImporter& in, const Node& n, Ints extents, ValueId batch_of, bool is_scalar) {
  OnnxValue out;
  if (std::count(extents.begin(), extents.end(), kBatchExtent) == 0) {
    const Shape shape = is_scalar ? Shape{} : Shape{static_cast<int64_t>(extents.size())};
    out.tensor = Tensor::from<int64_t>(shape, extents);
  } else {
    out.extents = std::move(extents);
    out.batch_of = batch_of;
    out.is_scalar = is_scalar;
  }
  in.bind(n, std::move(out));
}

void squeeze(OnnxImporter& in, const Node& n) {
  if (is_symbolic(in, n)) {
    const Ints extents = in.extents(n, 0);
    require(extents.size() == 1, "cannot squeeze {} integers", extents.size());
    return bind_extents(in, n, extents, in.input(n, 0).batch_of, true);
  }
  const Shape from = in.type(n, 0).shape;
  Ints axes = axes_of(in, n, from.rank());
  if (axes.empty())
    for (int i = 0; i < from.rank(); ++i)
      if (from[i] == 1) axes.push_back(i);
  Ints to;
  for (int i = 0; i < from.rank(); ++i) {
    const bool gone = std::count(axes.begin(), axes.end(), i) > 0;
    require(!gone || from[i] == 1, "axis {} of {} is not 1", i, from);
    if (!gone) to.push_back(from[i]);
  }
  reshape_to(in, n, batch_kept(std::move(to)));
}

void unsqueeze(OnnxImporter& in, const Node& n) {
  if (is_symbolic(in, n) && in.input(n, 0).is_scalar)
    return bind_extents(in, n, in.extents(n, 0), in.input(n, 0).batch_of, false);
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

void expand(OnnxImporter& in, const Node& n) {
  const Shape from = in.type(n, 0).shape;
  Ints wanted = in.extents(n, 1);
  std::replace(wanted.begin(), wanted.end(), kBatchExtent, kBatch);
  const Shape to = ir::broadcast_shapes(from, Shape(wanted));
  in.bind(n, in.add(ir::op::broadcast, {in.value(n, 0)}, {{"shape", to.dims()}}));
}

// One part of a shape may hold the batch; then the others are known.
void concat_extents(OnnxImporter& in, const Node& n) {
  Ints joined;
  ValueId batch_of = ir::kNoValue;
  for (int i = 0; i < n.input_size(); ++i) {
    const Ints part = in.extents(n, i);
    joined.insert(joined.end(), part.begin(), part.end());
    batch_of = std::max(batch_of, in.input(n, i).batch_of);
  }
  bind_extents(in, n, std::move(joined), batch_of, false);
}

void concat(OnnxImporter& in, const Node& n) {
  for (int i = 0; i < n.input_size(); ++i)
    if (is_symbolic(in, n, i)) return concat_extents(in, n);
  std::vector<ValueId> parts;
  parts.reserve(static_cast<size_t>(n.input_size()));
  for (int i = 0; i < n.input_size(); ++i) parts.push_back(in.value(n, i));
  const int64_t axis = axis_of(int_of(n, "axis", 0), in.type(n, 0).shape.rank());
  in.bind(n, in.add(ir::op::concat, std::move(parts), {{"axis", axis}}));
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
  bind_extents(in, n, std::move(dims), x, false);
}

// From a shape that holds the batch: "the extent of axis i".
void gather_extents(OnnxImporter& in, const Node& n) {
  if (!is_symbolic(in, n)) return gather(in, n);
  const Ints from = in.extents(n, 0);
  const bool one = in.tensor(n, 1).shape().rank() == 0;
  Ints picked;
  for (int64_t i : in.numbers(n, 1))
    picked.push_back(from[static_cast<size_t>(axis_of(i, static_cast<int>(from.size())))]);
  bind_extents(in, n, std::move(picked), in.input(n, 0).batch_of, one);
}

}  // namespace

std::vector<OnnxImportRow> onnx_shape_rows() {
  return {{"Reshape", reshape},     {"Flatten", flatten},      {"Squeeze", squeeze},
          {"Unsqueeze", unsqueeze}, {"Expand", expand},        {"Concat", concat},
          {"Shape", shape},         {"Gather", gather_extents}};
}

}  // namespace hone::io

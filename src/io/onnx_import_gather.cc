// Import rows of Gather, Scatter and their like. hone gathers along one axis; where indices name
// single elements or blocks, they become numbers of rows of a tensor that is laid flat.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {

void gather(OnnxImporter& in, const onnx::NodeProto& n) {
  const ir::Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  in.bind(n, ir::gather(x, ir::cast(in.expr(n, 1), DType::i64), axis));
}

namespace {

using ir::Expr;
using ir::Ints;
using Node = onnx::NodeProto;

constexpr int64_t kMostOffsets = int64_t{1} << 24;

int64_t product(const Shape& s, int from, int to) {
  int64_t n = 1;
  for (int i = from; i < to; ++i) n *= s[i];
  return n;
}

void require_static(const Expr& x) {
  if (!x.shape().is_static())
    fail(ErrorKind::Unsupported, "{} holds the symbolic batch: give its extent",
         x.shape().to_string());
}

// Indices below 0 count from the end.
Expr counted(const Expr& indices, int64_t extent) {
  const Expr whole = ir::cast(indices, DType::i64);
  return ir::select(ir::greater(0, whole), whole + extent, whole);
}

// For indices in an axis, at each of their places: the place in x laid flat.
Expr flat_places(OnnxImporter& in, const Expr& x, const Expr& indices, int64_t axis) {
  require_static(x);
  require_static(indices);
  const Shape s = indices.shape();
  require(s.rank() == x.rank(), "indices {} do not have the rank of {}", s.to_string(),
          x.shape().to_string());
  if (s.elements() > kMostOffsets) fail(ErrorKind::Unsupported, "{} indices", s.elements());
  const std::vector<int64_t> strides = x.shape().strides();
  Tensor offsets(DType::i64, s);
  Ints at(static_cast<size_t>(s.rank()), 0);
  for (int64_t i = 0; i < s.elements(); ++i) {
    int64_t sum = 0;
    for (size_t d = 0; d < at.size(); ++d)
      if (static_cast<int64_t>(d) != axis) sum += at[d] * strides[d];
    offsets.data<int64_t>()[i] = sum;
    for (size_t d = at.size(); d-- > 0;) {
      if (++at[d] < s[static_cast<int>(d)]) break;
      at[d] = 0;
    }
  }
  const Expr along = counted(indices, x.shape()[static_cast<int>(axis)]);
  return along * strides[static_cast<size_t>(axis)] + in.constant(offsets);
}

Expr flat(const Expr& x) { return ir::reshape(x, {x.shape().elements()}); }

void gather_elements(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  const Expr places = flat_places(in, x, in.expr(n, 1), axis);
  in.bind(n, ir::gather(flat(x), places, 0));
}

// For indices whose last axis names the first axes of x (after `batch` axes in common): the number
// of the block in x.
Expr block_numbers(OnnxImporter& in, const Expr& x, const Expr& indices, int batch) {
  require_static(x);
  require_static(indices);
  const Shape s = indices.shape();
  require(s.rank() > 0, "expected indices of at least one axis");
  const int64_t named = s[s.rank() - 1];
  require(batch >= 0 && named > 0 && batch < s.rank() && batch + named <= x.rank(),
          "indices {} name more axes than {} has", s.to_string(), x.shape().to_string());
  Ints rest = s.dims();
  rest.pop_back();
  Expr sum;
  for (int64_t i = 0; i < named; ++i) {
    const int axis = batch + static_cast<int>(i);
    const Expr one = ir::reshape(ir::slice(indices, s.rank() - 1, i, i + 1), Shape(rest));
    const Expr scaled = counted(one, x.shape()[axis]) *
                        product(x.shape(), axis + 1, batch + static_cast<int>(named));
    sum = sum ? sum + scaled : scaled;
  }
  const int64_t blocks = product(x.shape(), batch, batch + static_cast<int>(named));
  const int64_t batches = product(x.shape(), 0, batch);
  if (batch == 0) return sum;
  if (batches > kMostOffsets) fail(ErrorKind::Unsupported, "{} batches", batches);
  Ints dims(rest.size(), 1);
  std::copy_n(x.shape().dims().begin(), batch, dims.begin());
  Tensor offsets(DType::i64, Shape(dims));
  for (int64_t i = 0; i < offsets.elements(); ++i) offsets.data<int64_t>()[i] = i * blocks;
  return sum + in.constant(offsets);
}

// x as blocks that `named` leading axes number.
Expr as_blocks(const Expr& x, int named) {
  const Shape s = x.shape();
  Ints dims = {product(s, 0, named)};
  dims.insert(dims.end(), s.dims().begin() + named, s.dims().end());
  return ir::reshape(x, Shape(dims));
}

void gather_nd(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Expr indices = in.expr(n, 1);
  const int64_t batch = int_of(n, "batch_dims", 0);
  require(batch >= 0 && batch < x.rank(), "batch_dims is {}", batch);
  const Expr numbers = block_numbers(in, x, indices, static_cast<int>(batch));
  const int named = static_cast<int>(batch + indices.shape()[indices.rank() - 1]);
  in.bind(n, ir::gather(as_blocks(x, named), numbers, 0));
}

// Rows of x by number become the updates, or have them added.
Expr scatter(OnnxImporter& in, const Node& n, const Expr& x, const Expr& numbers,
             const Expr& updates) {
  const std::string how = string_of(n, "reduction", "none");
  if (x.dtype() != DType::f32 || (how != "none" && how != "add"))
    fail(ErrorKind::Unsupported, "reduction '{}' of {} is not supported", how, name_of(x.dtype()));
  const auto add_up = [&](const Expr& what) {
    return ir::apply(ir::op::scatter_add, {what, numbers},
                     {{"axis", int64_t{0}}, {"shape", x.shape().dims()}});
  };
  const Expr sum = add_up(updates);
  if (how == "add") return x + sum;
  const Expr ones = ir::broadcast(in.scalar(x.dtype(), 1), updates.shape());
  return ir::select(ir::greater(add_up(ones), 0), sum, x);
}

void scatter_elements(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  const Expr places = flat(flat_places(in, x, in.expr(n, 1), axis));
  in.bind(n, ir::reshape(scatter(in, n, flat(x), places, flat(in.expr(n, 2))), x.shape()));
}

void scatter_nd(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Expr indices = in.expr(n, 1);
  const Expr numbers = flat(block_numbers(in, x, indices, 0));
  const Expr blocks = as_blocks(x, static_cast<int>(indices.shape()[indices.rank() - 1]));
  Ints dims = blocks.shape().dims();
  dims[0] = numbers.shape()[0];
  const Expr updates = ir::reshape(in.expr(n, 2), Shape(dims));
  in.bind(n, ir::reshape(scatter(in, n, blocks, numbers, updates), x.shape()));
}

// Before opset 10 k is an attribute. hone's are always sorted.
void top_k(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", -1), x.rank());
  const Ints k = in.has(n, 1) ? in.numbers(n, 1) : Ints{int_of(n, "k", 0)};
  require(k.size() == 1, "expected one k, found {}", k.size());
  const ir::TopK top = ir::topk(x, axis, k[0], int_of(n, "largest", 1) != 0);
  in.bind(n, top.values);
  in.bind(n, 1, top.indices);
}

}  // namespace

std::vector<OnnxImportRow> onnx_gather_rows() {
  return {{"GatherElements", gather_elements}, {"GatherND", gather_nd},
          {"Scatter", scatter_elements},       {"ScatterElements", scatter_elements},
          {"ScatterND", scatter_nd},           {"TopK", top_k}};
}

}  // namespace hone::io

// Reading and writing single elements and slices by index, built from gather and scatter_add on a
// flat view of the tensor. Shapes are static. Indices below 0 count from the end; one out of range
// reads zeros and writes nothing.
#pragma once

#include <limits>
#include <vector>

#include "base/error.h"
#include "ir/expr_math.h"

namespace hone::ir {
namespace detail {

inline Expr integers(Expr like, Shape shape, const std::vector<int64_t>& values) {
  return constant(*like.graph, Tensor::from<int64_t>(std::move(shape), values));
}

/// Indices with those below 0 counted from the end, and which of them are inside.
struct Places {
  Expr at, inside;
};
inline Places from_start(Expr indices, Expr extents) {
  const Expr at = select(greater(scalar_like(indices, 0), indices), indices + extents, indices);
  return {at, logical_and(greater(at, -1), greater(extents, at))};
}

inline void require_static(Expr x, Expr indices) {
  if (!x.shape().is_static() || !indices.shape().is_static())
    fail(ErrorKind::Unsupported, "indexing {} by {}: expected static shapes", x.shape().to_string(),
         indices.shape().to_string());
}

/// For each of `indices`, the place in a flat x of the element that has this index along the axis
/// and, along the others, the coordinates of the index itself.
inline Expr element_places(Expr x, Expr indices, int64_t axis) {
  require_static(x, indices);
  const Shape shape = x.shape();
  Shape others = indices.shape();
  require(others.rank() == shape.rank() && axis >= 0 && axis < shape.rank(),
          "indices {} of {} along axis {}: expected one rank", others, shape, axis);
  others[static_cast<int>(axis)] = 1;
  const std::vector<int64_t> strides = shape.strides(), steps = others.strides();
  std::vector<int64_t> base(static_cast<size_t>(others.elements()), 0);
  for (size_t i = 0; i < base.size(); ++i)
    for (int d = 0; d < others.rank(); ++d)
      base[i] += static_cast<int64_t>(i) / steps[static_cast<size_t>(d)] % others[d] *
                 strides[static_cast<size_t>(d)];
  const auto a = static_cast<size_t>(axis);
  const Places places = from_start(indices, integers(x, {}, {shape.dims()[a]}));
  const Expr flat = places.at * integers(x, {}, {strides[a]}) + integers(x, others, base);
  return select(places.inside, flat, integers(x, {}, {shape.elements()}));
}

/// x as rows that the last axis of `indices` (the coordinates after `batch` shared axes) picks
/// from, and which row each picks.
struct Rows {
  Expr x, places;
};
inline Rows rows_by_index(Expr x, Expr indices, int64_t batch) {
  require_static(x, indices);
  const Ints dims = x.shape().dims(), by = indices.shape().dims();
  require(!by.empty() && batch >= 0 && batch < static_cast<int64_t>(by.size()) &&
              batch + by.back() <= static_cast<int64_t>(dims.size()),
          "indices {} have more coordinates than {} has axes", indices.shape(), x.shape());
  const auto depth = batch + by.back();
  const Shape outer(Ints(dims.begin(), dims.begin() + depth));
  Ints rows = {outer.elements()};
  rows.insert(rows.end(), dims.begin() + depth, dims.end());

  const std::vector<int64_t> strides = outer.strides();
  const auto tail = [&](const Ints& v) { return Ints(v.begin() + batch, v.end()); };
  const Places places = from_start(indices, integers(x, {by.back()}, tail(outer.dims())));
  const Ints last = {static_cast<int64_t>(by.size()) - 1};
  Expr row = reduce_sum(places.at * integers(x, {by.back()}, tail(strides)), last);
  Shape shared(Ints(by.size() - 1, 1));
  for (int d = 0; d < batch; ++d) shared[d] = by[static_cast<size_t>(d)];
  std::vector<int64_t> base(static_cast<size_t>(shared.elements()), 0);
  for (size_t i = 0; i < base.size(); ++i)
    for (int d = 0; d < batch; ++d)
      base[i] += static_cast<int64_t>(i) / shared.strides()[static_cast<size_t>(d)] % shared[d] *
                 strides[static_cast<size_t>(d)];
  if (batch > 0) row = row + integers(x, shared, base);
  const Expr inside =
      equal(reduce_sum(cast(places.inside, DType::i64), last), integers(x, {}, {by.back()}));
  return {reshape(x, Shape(rows)), select(inside, row, integers(x, {}, {rows[0]}))};
}

/// `rows` with the updates added, or put in their place; of updates of one place, then, the sum.
inline Expr scattered(Expr rows, Expr places, Expr updates, bool add) {
  const Attrs attrs{{"axis", int64_t{0}}, {"shape", rows.shape().dims()}};
  const Expr sum = apply(op::scatter_add, {updates, places}, attrs);
  if (add) return rows + sum;
  const Expr ones = broadcast(scalar_like(updates, 1), updates.shape());
  return select(greater(apply(op::scatter_add, {ones, places}, attrs), 0), sum, rows);
}

}  // namespace detail

/// y[i, j, ...] = x[indices[i, j, ...], j, ...] for axis 0, and so for the others.
inline Expr gather_elements(Expr x, Expr indices, int64_t axis) {
  return gather(reshape(x, {x.shape().elements()}), detail::element_places(x, indices, axis), 0);
}
/// x (f32) with `updates` at the places that gather_elements reads.
inline Expr scatter_elements(Expr x, Expr indices, Expr updates, int64_t axis, bool add = false) {
  const Expr places = detail::element_places(x, indices, axis);
  return reshape(detail::scattered(reshape(x, {x.shape().elements()}), places, updates, add),
                 x.shape());
}
/// The slices of x at the coordinates in the last axis of `indices`; the first `batch` axes of both
/// are walked together.
inline Expr gather_nd(Expr x, Expr indices, int64_t batch = 0) {
  const detail::Rows rows = detail::rows_by_index(x, indices, batch);
  return gather(rows.x, rows.places, 0);
}
/// x (f32) with `updates` at the slices that gather_nd reads.
inline Expr scatter_nd(Expr x, Expr indices, Expr updates, bool add = false) {
  const detail::Rows rows = detail::rows_by_index(x, indices, 0);
  return reshape(detail::scattered(rows.x, rows.places, updates, add), x.shape());
}

/// Where in an image the maxima lie that max_pool2d takes of x: i64 like its result.
struct MaxPlaces {
  Expr h, w;
};
inline MaxPlaces max_pool2d_places(Expr x, const PoolOptions& o) {
  const std::vector<TensorType> types = {x.type()};
  const Shape in = x.shape(), out = infer(op::max_pool2d, types, o.attrs(), "")[0].shape;
  // The places that the windows read along an axis; of padding, a place out of range.
  const auto read = [&](int axis) {
    const auto a = static_cast<size_t>(axis);
    std::vector<int64_t> places;
    for (int64_t i = 0; i < out[axis + 2]; ++i)
      for (int64_t k = 0; k < o.window[a]; ++k) {
        const int64_t place = i * o.stride[a] - o.pad[a] + k * o.dilation[a];
        places.push_back(place < 0 ? in[axis + 2] : place);
      }
    return detail::integers(x, {out[axis + 2], o.window[a]}, places);
  };
  const auto inside = [&](Expr places, int axis, Shape to) {
    return reshape(greater(scalar_like(places, static_cast<double>(in[axis + 2])), places),
                   std::move(to));
  };
  const int64_t oh = out[2], ow = out[3], kh = o.window[0], kw = o.window[1];
  const Expr rows = read(0), columns = read(1);
  const Expr windows = gather(gather(x, rows, 2), columns, 4);  // [N,C,oh,kh,ow,kw]
  const Expr valid =
      logical_and(inside(rows, 0, {oh, kh, 1, 1}), inside(columns, 1, {1, 1, ow, kw}));
  const Expr lowest = scalar_like(x, -std::numeric_limits<double>::infinity());
  const Expr apart = transpose(select(valid, windows, lowest), {0, 1, 2, 4, 3, 5});
  const Expr best = argmax(reshape(apart, {in[0], in[1], oh, ow, kh * kw}), 4);
  const Expr tap_h = best / static_cast<double>(kw);
  const Expr tap_w = best - tap_h * static_cast<double>(kw);
  const auto place = [&](Expr tap, int axis, Shape along) {
    const auto a = static_cast<size_t>(axis);
    std::vector<int64_t> starts;
    for (int64_t i = 0; i < out[axis + 2]; ++i) starts.push_back(i * o.stride[a] - o.pad[a]);
    const Expr at =
        tap * static_cast<double>(o.dilation[a]) + detail::integers(x, std::move(along), starts);
    // Where nothing is greater than -inf, padding is the first maximum.
    return minimum(maximum(at, 0), static_cast<double>(in[axis + 2] - 1));
  };
  return {place(tap_h, 0, {oh, 1}), place(tap_w, 1, {ow})};
}

}  // namespace hone::ir

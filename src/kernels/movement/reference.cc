// Scalar references of the movements, element by element. They move bytes: an element's size comes
// from its view, so one function serves every dtype and both precisions.
#include "kernels/reference.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

#include "base/rng.h"
#include "base/shards.h"
#include "ir/panels.h"
#include "kernels/eltwise/broadcast.h"
#include "kernels/families.h"
#include "kernels/movement/indexed_axis.h"
#include "kernels/strided.h"

namespace hone::kernels {
namespace {

// Element i of the nest `from_at` goes to element i of the nest `to_at`.
void move(std::byte* to, const Strided& to_at, const std::byte* from, const Strided& from_at,
          int64_t size) {
  for (int64_t i = 0; i < to_at.count(); ++i)
    std::memcpy(to + to_at.offset(i) * size, from + from_at.offset(i) * size,
                static_cast<size_t>(size));
}

Strided dense(const Shape& shape) { return {shape.dims(), shape.strides()}; }

// The part of a tensor of shape `whole` that has the extents of `part`.
Strided within(const Shape& whole, const Shape& part) { return {part.dims(), whole.strides()}; }

struct Ends {
  const Shape &in, &out;
  int64_t size;
};
Ends ends(const RefCall& call, size_t operand = 0) {
  return {call.operands[operand].shape(), call.results[0].shape(),
          size_of(call.results[0].type->dtype)};
}
// Bytes from one index of the `axis` attribute to the next.
int64_t axis_bytes(const RefCall& call, const Shape& shape) {
  return shape.strides()[static_cast<size_t>(call.attrs().integer("axis"))] *
         size_of(call.results[0].type->dtype);
}

template <class T>
HONE_INLINE void reshape(const RefCall& call) {
  const int64_t bytes = call.results[0].type->bytes();
  if (bytes > 0)
    std::memmove(call.results[0].data, call.operands[0].data, static_cast<size_t>(bytes));
}

template <class T>
HONE_INLINE void transpose(const RefCall& call) {
  const auto [in, out, size] = ends(call);
  Strided from{out.dims(), {}};
  for (int64_t axis : call.attrs().ints("perm"))
    from.strides.push_back(in.strides()[static_cast<size_t>(axis)]);
  move(call.results[0].data, dense(out), call.operands[0].data, from, size);
}

template <class T>
HONE_INLINE void broadcast(const RefCall& call) {
  const auto [in, out, size] = ends(call);
  const Strided from{out.dims(), broadcast_strides(in, out)};
  move(call.results[0].data, dense(out), call.operands[0].data, from, size);
}

template <class T>
HONE_INLINE void concat(const RefCall& call) {
  std::byte* to = call.results[0].data;
  for (size_t i = 0; i < call.operands.size(); ++i) {
    const auto [in, out, size] = ends(call, i);
    move(to, within(out, in), call.operands[i].data, dense(in), size);
    to += in[static_cast<int>(call.attrs().integer("axis"))] * axis_bytes(call, out);
  }
}

template <class T>
HONE_INLINE void slice(const RefCall& call) {
  const auto [in, out, size] = ends(call);
  move(call.results[0].data, dense(out),
       call.operands[0].data + call.attrs().integer("begin") * axis_bytes(call, in),
       within(in, out), size);
}

template <class T>
HONE_INLINE void pad(const RefCall& call) {
  const auto [in, out, size] = ends(call);
  std::byte* to = call.results[0].data;
  if (out.elements() > 0) std::memset(to, 0, static_cast<size_t>(out.elements() * size));
  move(to + call.attrs().integer("before") * axis_bytes(call, out), within(out, in),
       call.operands[0].data, dense(in), size);
}

template <class T>
HONE_INLINE void one_hot(const RefCall& call) {
  const int64_t depth = call.attrs().integer("depth");
  for (int64_t i = 0; i < call.operands[0].shape().elements(); ++i)
    for (int64_t c = 0; c < depth; ++c)
      call.out<T>(0)[i * depth + c] = call.in<int64_t>(0)[i] == c ? T{1} : T{0};
}

template <class T>
HONE_INLINE void gather(const RefCall& call) {
  const IndexedAxis at(call.operands[0].shape(), call.operands[1].shape(), call.attrs());
  const size_t row = static_cast<size_t>(at.inner * size_of(call.results[0].type->dtype));
  std::byte* to = call.results[0].data;
  for (int64_t i = 0; i < at.outer * at.indices; ++i, to += row) {
    const int64_t from = at.row(i, call.in<int64_t>(1));
    if (from < 0) std::fill_n(to, row, std::byte{0});
    else std::copy_n(call.operands[0].data + static_cast<size_t>(from) * row, row, to);
  }
}

// Per shard into a slot of its own; slot 0 is the result.
template <class T>
HONE_INLINE void scatter_add(const RefCall& call) {
  const Shape& shape = call.results[0].shape();
  const Shape& index_shape = call.operands[1].shape();
  const IndexedAxis at(shape, index_shape, call.attrs());
  const int64_t samples = index_shape.rank() == 0 ? 1 : index_shape[0];
  const int64_t unit = samples == 0 ? 0 : at.indices / samples;
  const Sharding sharding{call.attrs().integer("batch", std::max<int64_t>(1, samples)),
                          call.attrs().integer("shards", 1)};
  const int64_t shards = sharding.present(samples), total = shape.elements();
  const int64_t slots = shards > 1 ? std::bit_width(static_cast<uint64_t>(shards - 1)) : 0;
  std::vector<T> more(static_cast<size_t>(slots * total));
  const auto slot = [&](int i) { return i == 0 ? call.out<T>(0) : more.data() + (i - 1) * total; };
  std::fill_n(slot(0), total, T{0});
  tree_fold(
      shards,
      [&](int64_t s, int into) {
        std::fill_n(slot(into), total, T{0});
        for (int64_t o = 0; o < at.outer; ++o)
          for (int64_t i = sharding.begin(s) * unit; i < sharding.end(s, samples) * unit; ++i) {
            const int64_t from = o * at.indices + i;
            const int64_t to = at.row(from, call.in<int64_t>(1));
            for (int64_t e = 0; to >= 0 && e < at.inner; ++e)
              slot(into)[to * at.inner + e] += call.in<T>(0)[from * at.inner + e];
          }
      },
      [&](int into, int from) {
        for (int64_t e = 0; e < total; ++e) slot(into)[e] += slot(from)[e];
      });
}

template <class T>
HONE_INLINE void unpack_as(const RefCall& call) {
  const ir::PanelFormat f = ir::PanelFormat::from(call.attrs());
  for (int64_t g = 0; g < f.group.extent; ++g)
    for (int64_t p = 0; p < f.panels(); ++p) {
      const ir::PanelFormat::Columns columns = f.columns(p);
      const T* from = call.in<T>(0) + f.offset(g, columns);
      for (int64_t t = 0; t < f.tap.extent; ++t, from += f.depth_pitch() * columns.pitch)
        for (int64_t k = 0; k < f.depth.extent; ++k)
          for (int64_t j = 0; j < columns.size; ++j)
            call.out<T>(0)[g * f.group.stride + t * f.tap.stride + k * f.depth.stride +
                           (columns.begin + j) * f.column.stride] =
                from[(k / f.step * columns.pitch + j) * f.step + k % f.step];
    }
}

template <class T>
HONE_INLINE void unpack(const RefCall& call) {
  const DType dtype = call.operands[0].type->dtype;
  if (dtype == DType::i8) unpack_as<int8_t>(call);
  else if (dtype == DType::i16) unpack_as<int16_t>(call);
  else unpack_as<T>(call);
}

template <class T>
HONE_INLINE void dim(const RefCall& call) {
  call.out<T>(0)[0] =
      static_cast<T>(call.operands[0].shape()[static_cast<int>(call.attrs().integer("axis"))]);
}

template <class T>
HONE_INLINE void random_uniform(const RefCall& call) {
  const uint64_t seed = static_cast<uint64_t>(call.in<int64_t>(0)[0]);
  const uint64_t step = static_cast<uint64_t>(call.in<int64_t>(1)[0]);
  const uint64_t key = mix(mix(seed, step), static_cast<uint64_t>(call.attrs().integer("key")));
  const Shape& shape = call.results[0].shape();
  const int64_t rows = shape.rank() == 0 ? 1 : shape[0];
  const int64_t row = rows == 0 ? 0 : shape.elements() / rows;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t e = 0; e < row; ++e) {
      const Philox bits = philox(key, static_cast<uint64_t>(i), static_cast<uint64_t>(e / 4));
      call.out<T>(0)[i * row + e] = static_cast<T>(unit_float(bits.v[e % 4]));
    }
}

}  // namespace

std::span<const ReferenceRow> movement_reference() {
  static const ReferenceRow rows[] = {
      HONE_REFERENCE(reshape), HONE_REFERENCE(transpose), HONE_REFERENCE(broadcast),
      HONE_REFERENCE(concat),  HONE_REFERENCE(slice),     HONE_REFERENCE(pad),
      HONE_REFERENCE(one_hot), HONE_REFERENCE(gather),    HONE_REFERENCE(scatter_add),
      HONE_REFERENCE(dim),     HONE_REFERENCE(unpack),    HONE_REFERENCE(random_uniform)};
  return rows;
}

}  // namespace hone::kernels

// Scalar references of the movements, element by element. They move bytes: an element's size comes
// from its view, so one function serves every dtype and both precisions.
#include "kernels/reference.h"

#include <cstring>

#include "base/rng.h"
#include "kernels/families.h"
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
  Strided from{out.dims(), std::vector<int64_t>(out.dims().size(), 0)};
  for (int axis = 0; axis < in.rank(); ++axis)
    if (in[axis] != 1)
      from.strides[static_cast<size_t>(out.rank() - in.rank() + axis)] =
          in.strides()[static_cast<size_t>(axis)];
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
      HONE_REFERENCE(one_hot), HONE_REFERENCE(dim),       HONE_REFERENCE(random_uniform)};
  return rows;
}

}  // namespace hone::kernels

// Checked conversion between tensors and the bytes of files.
#include "io/tensor_bytes.h"

#include <algorithm>

#include "base/error.h"

namespace hone::io {

int64_t checked_bytes(DType dtype, const std::vector<int64_t>& dims) {
  int64_t bytes = size_of(dtype);
  bool empty = false;
  for (int64_t d : dims) {
    require(d >= 0, "shape {} has a negative extent", Shape(dims));
    empty |= d == 0;
    // Extents beside a 0 must be sane as well: their strides are computed.
    require(!__builtin_mul_overflow(bytes, std::max<int64_t>(d, 1), &bytes),
            "shape {} is too large", Shape(dims));
  }
  return empty ? 0 : bytes;
}

Tensor tensor_from_bytes(DType dtype, const std::vector<int64_t>& dims, std::string_view bytes) {
  const MemorySource source(bytes);
  return tensor_from_source(dtype, dims, source, 0, source.size());
}

Tensor tensor_from_source(DType dtype, const std::vector<int64_t>& dims, const ByteSource& source,
                          int64_t offset, int64_t length) {
  require(0 <= offset && 0 <= length && offset <= source.size() && length <= source.size() - offset,
          "{}: expected {} bytes at byte {}, the file has {}", TensorType{dtype, Shape(dims)},
          length, offset, source.size());
  return tensor_from_next(dtype, dims, length,
                          [&](void* to, int64_t n) { source.read(offset, n, to); });
}

Tensor tensor_from_next(DType dtype, const std::vector<int64_t>& dims, int64_t length,
                        const ReadNext& next) {
  const int64_t expected = checked_bytes(dtype, dims);
  require(length == expected, "{}: expected {} bytes of data, found {}",
          TensorType{dtype, Shape(dims)}, expected, length);
  Tensor out(dtype, Shape(dims));
  next(out.raw(), expected);
  // A C++ bool of any other byte has no meaning.
  if (dtype == DType::boolean)
    for (int64_t i = 0; i < expected; ++i) out.raw()[i] = std::byte{out.raw()[i] != std::byte{0}};
  return out;
}

std::string_view bytes_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.raw()), static_cast<size_t>(tensor.bytes())};
}

}  // namespace hone::io

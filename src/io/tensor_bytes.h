// From the bytes of a file, which may lie, to a tensor. All of hone's formats are little endian, as
// every machine that it runs on.
#pragma once

#include <hone/tensor.h>

#include <bit>
#include <functional>
#include <string_view>
#include <vector>

#include "io/byte_source.h"

namespace hone::io {

static_assert(std::endian::native == std::endian::little);

/// The bytes that elements of `dtype` and such extents take; throws InvalidInput for a negative
/// extent or a product that does not fit into 63 bits.
int64_t checked_bytes(DType dtype, const std::vector<int64_t>& dims);

/// A tensor with a copy of `bytes`, whose size must be right; a bool is any byte that is not 0.
Tensor tensor_from_bytes(DType dtype, const std::vector<int64_t>& dims, std::string_view bytes);
/// Copies the next `n` bytes of something that is read from its beginning to its end.
using ReadNext = std::function<void(void* to, int64_t n)>;
/// The same of the `length` bytes that come next, all of which are read. Nothing is allocated
/// before all is checked.
Tensor tensor_from_next(DType dtype, const std::vector<int64_t>& dims, int64_t length,
                        const ReadNext& next);
/// The same of the `length` bytes from `offset` on.
Tensor tensor_from_source(DType dtype, const std::vector<int64_t>& dims, const ByteSource& source,
                          int64_t offset, int64_t length);

/// The tensor's memory.
std::string_view bytes_of(const Tensor& tensor);

}  // namespace hone::io

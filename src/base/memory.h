// Where the elements of tensors lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace hone {

inline constexpr size_t kTensorAlignment = 64;

/// `bytes` of zeros, as hone/tensor.h says a tensor's memory is: aligned to kTensorAlignment, and
/// readable for 64 bytes more. Large pieces lie in huge pages where the system has them: it clears
/// them when they are first touched, 2 MiB at a time, and the processor finds them with few entries
/// of its page cache. Throws Exhausted.
std::shared_ptr<std::byte> allocate_zeros(int64_t bytes);

}  // namespace hone

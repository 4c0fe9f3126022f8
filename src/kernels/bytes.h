// Bytes of either sign at compile time.
#pragma once

#include <hone/tensor.h>

#include <cstdint>

namespace hone::kernels {

/// Calls `f(T{})` with the C++ type of u8 or i8.
template <class F>
void visit_byte(DType dtype, F&& f) {
  if (dtype == DType::u8) f(uint8_t{});
  else f(int8_t{});
}

}  // namespace hone::kernels

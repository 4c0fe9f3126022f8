// Sets the floating-point state that hone's bits are defined in (round to nearest, no flushing of
// denormals, exceptions masked) for as long as it lives, and restores the caller's.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace hone {

class FpState {
 public:
#if defined(__x86_64__)
  FpState() : saved_(_mm_getcsr()) { _mm_setcsr(0x1F80); }
  ~FpState() { _mm_setcsr(saved_); }
#else
  FpState() = default;
  ~FpState() {}
#endif
  FpState(const FpState&) = delete;
  FpState& operator=(const FpState&) = delete;

#if defined(__x86_64__)
 private:
  unsigned saved_;
#endif
};

}  // namespace hone

// How a SIMD file is compiled once for each ISA level and chosen at run time.
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "kernels/gemm/simd.cc"   // this very file
//   #include "hwy/foreach_target.h"                     // includes it once for each target
//   #include "hwy/highway.h"
//   HWY_BEFORE_NAMESPACE();
//   namespace hone::kernels::HWY_NAMESPACE { ... const GemmFns fns = {...}; }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace hone::kernels { const GemmFns& gemm_fns(Isa isa) { return HONE_FOR_ISA(isa, fns); } }
//   #endif
//
// The build defines HWY_BASELINE_TARGETS and HWY_DISABLED_TARGETS so that the targets are exactly
// AVX2 and AVX3 (AVX-512 F, BW, DQ, VL, CD). Lambdas inside SIMD code need HWY_ATTR.
#pragma once

#include "base/cpu.h"

// N_AVX3 is Highway's name for the AVX-512 of Skylake-X.
#define HONE_FOR_ISA(isa, symbol) ((isa) >= ::hone::Isa::avx512 ? N_AVX3::symbol : N_AVX2::symbol)

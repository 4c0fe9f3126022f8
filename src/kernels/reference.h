// Scalar references: plain loops that define each op's bits (docs/numerics.md). They run at the
// `scalar` level, fold constants, and, in double precision, are every test's oracle.
//
// A family writes `template <class T> HONE_INLINE void name(const RefCall&)` for T = float and
// double and lists it with HONE_REFERENCE(name) under the op's own name. The float version is
// compiled twice, with and without hardware FMA, because libm's fmaf is 30 times slower; both give
// the same bits.
#pragma once

#include <cmath>
#include <span>

#include "kernels/kernel.h"

namespace hone::kernels {

/// A node with its operands and results in memory. `T` says how f32 values are held: float, or
/// double for the oracle (then views of f32 values have dtype f64).
struct RefCall {
  const ir::Node* node;
  std::span<const View> operands;
  std::span<const View> results;

  const ir::Attrs& attrs() const { return node->attrs; }
  template <class T>
  T* in(size_t i) const {
    return operands[i].as<T>();
  }
  template <class T>
  T* out(size_t i) const {
    return results[i].as<T>();
  }
};

using RefFn = void (*)(const RefCall&);

struct ReferenceRow {
  const ir::OpSpec* op;
  RefFn f32;      ///< without hardware FMA
  RefFn f32_fma;  ///< with it; the same bits
  RefFn f64;      ///< the oracle
  RefFn f64_fma;
};

/// Every reference, of all families (kernels/table.cc lists the families).
std::span<const ReferenceRow> reference_rows();
/// The reference of `op`, or nullptr for sources.
const ReferenceRow* find_reference(const ir::OpSpec& op);
/// Runs the reference in float (with the machine's FMA), or in double, as for every node that gives
/// f64.
void run_reference(const RefCall& call, bool in_double);

#define HONE_INLINE [[gnu::always_inline]] inline
#if defined(__x86_64__)
#define HONE_WITH_FMA __attribute__((target("fma")))
#else
#define HONE_WITH_FMA
#endif

// Makes the row of op::NAME from the function template NAME.
#define HONE_REFERENCE(NAME)                                                           \
  ::hone::kernels::ReferenceRow {                                                      \
    &::hone::ir::op::NAME, +[](const ::hone::kernels::RefCall& c) { NAME<float>(c); }, \
        +[](const ::hone::kernels::RefCall& c) HONE_WITH_FMA { NAME<float>(c); },      \
        +[](const ::hone::kernels::RefCall& c) { NAME<double>(c); },                   \
        +[](const ::hone::kernels::RefCall& c) HONE_WITH_FMA { NAME<double>(c); }      \
  }

}  // namespace hone::kernels

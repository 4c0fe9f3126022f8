// Scalar references of the gemm family.
#include "kernels/reference.h"

#include <algorithm>
#include <vector>

#include "base/shards.h"
#include "kernels/families.h"

namespace hone::kernels {
namespace {

// One row of the result for the samples k in [begin, end): out[j] = the chain over k. The order
// (k, j) where B's rows run along j, (j, k) where they run along k: the chains are the same.
template <class T>
HONE_INLINE void row_chain(const T* a, int64_t a_k, const T* b, int64_t b_k, int64_t b_col,
                           int64_t begin, int64_t end, T* out, int64_t n) {
  std::fill(out, out + n, T{0});
  if (b_col == 1) {
    for (int64_t k = begin; k < end; ++k) {
      const T x = a[k * a_k];
      const T* y = b + k * b_k;
      for (int64_t j = 0; j < n; ++j) out[j] = std::fma(x, y[j], out[j]);
    }
  } else {
    for (int64_t j = 0; j < n; ++j) {
      const T* y = b + j * b_col;
      for (int64_t k = begin; k < end; ++k) out[j] = std::fma(a[k * a_k], y[k * b_k], out[j]);
    }
  }
}

// Without `shards` the contracted axis is one shard. The interpreter applies the epilogue.
template <class T>
HONE_INLINE void matmul(const RefCall& call) {
  const Shape& a = call.operands[0].shape();
  const Shape& b = call.operands[1].shape();
  const bool trans_a = call.attrs().flag("trans_a");
  const bool trans_b = call.attrs().flag("trans_b");
  const int64_t m = trans_a ? a[1] : a[0];
  const int64_t depth = trans_a ? a[0] : a[1];
  const int64_t n = trans_b ? b[0] : b[1];
  const Sharding sharding{call.attrs().integer("batch", std::max<int64_t>(1, depth)),
                          call.attrs().integer("shards", 1)};
  std::vector<T> slots(static_cast<size_t>(kMaxTreeDepth * n));
  for (int64_t i = 0; i < m; ++i) {
    tree_fold(
        sharding.present(depth),
        [&](int64_t s, int slot) __attribute__((always_inline)) {
          row_chain(call.in<const T>(0) + i * (trans_a ? 1 : depth), trans_a ? m : 1,
                    call.in<const T>(1), trans_b ? 1 : n, trans_b ? depth : 1, sharding.begin(s),
                    sharding.end(s, depth), slots.data() + slot * n, n);
        },
        [&](int into, int from) __attribute__((always_inline)) {
          for (int64_t j = 0; j < n; ++j) slots[into * n + j] += slots[from * n + j];
        });
    std::copy_n(slots.begin(), n, call.out<T>(0) + i * n);
  }
}

}  // namespace

std::span<const ReferenceRow> gemm_reference() {
  static const ReferenceRow rows[] = {HONE_REFERENCE(matmul)};
  return rows;
}

}  // namespace hone::kernels

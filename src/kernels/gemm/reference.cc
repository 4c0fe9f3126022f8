// Scalar references of the gemm family.
#include "kernels/reference.h"

#include <algorithm>
#include <vector>

#include "base/dtype.h"
#include "base/shards.h"
#include "ir/infer.h"
#include "kernels/bytes.h"
#include "kernels/eltwise/broadcast.h"
#include "kernels/families.h"
#include "kernels/multiply_add.h"
#include "kernels/strided.h"

namespace hone::kernels {
namespace {

// One row of the result for the samples k in [begin, end): out[j] = the chain over k. The order
// (k, j) where B's rows run along j, (j, k) where they run along k: the chains are the same.
template <class A, class B, class T>
HONE_INLINE void row_chain(const A* a, int64_t a_k, const B* b, int64_t b_k, int64_t b_col,
                           int64_t begin, int64_t end, T* out, int64_t n) {
  std::fill(out, out + n, T{0});
  if (b_col == 1) {
    for (int64_t k = begin; k < end; ++k) {
      const T x = convert<T>(a[k * a_k]);
      const B* y = b + k * b_k;
      for (int64_t j = 0; j < n; ++j) out[j] = multiply_add(x, static_cast<T>(y[j]), out[j]);
    }
  } else {
    for (int64_t j = 0; j < n; ++j) {
      const B* y = b + j * b_col;
      for (int64_t k = begin; k < end; ++k)
        out[j] = multiply_add(static_cast<T>(a[k * a_k]), static_cast<T>(y[k * b_k]), out[j]);
    }
  }
}

// Without `shards` the contracted axis is one shard.
template <class A, class B, class T>
HONE_INLINE void product(const RefCall& call, const ir::MatmulDims& d, const A* a, const B* b,
                         T* out) {
  const bool trans_a = call.attrs().flag("trans_a");
  const bool trans_b = call.attrs().flag("trans_b");
  const int64_t m = d.rows, depth = d.depth, n = d.cols;
  const Sharding sharding{call.attrs().integer("batch", std::max<int64_t>(1, depth)),
                          call.attrs().integer("shards", 1)};
  std::vector<T> slots(static_cast<size_t>(kMaxTreeDepth * n));
  for (int64_t i = 0; i < m; ++i) {
    tree_fold(
        sharding.present(depth),
        [&](int64_t s, int slot) __attribute__((always_inline)) {
          row_chain(a + i * (trans_a ? 1 : depth), trans_a ? m : 1, b, trans_b ? 1 : n,
                    trans_b ? depth : 1, sharding.begin(s), sharding.end(s, depth),
                    slots.data() + slot * n, n);
        },
        [&](int into, int from) __attribute__((always_inline)) {
          for (int64_t j = 0; j < n; ++j) slots[into * n + j] += slots[from * n + j];
        });
    std::copy_n(slots.begin(), n, out + i * n);
  }
}

// A, B and T are what the operands and the result hold.
template <class A, class B, class T>
HONE_INLINE void products(const RefCall& call, const A* a) {
  const ir::MatmulDims d =
      ir::matmul_dims(call.operands[0].shape(), call.operands[1].shape(), call.attrs());
  const Strided at_a{d.leading.dims(), broadcast_strides(d.leading_a, d.leading)};
  const Strided at_b{d.leading.dims(), broadcast_strides(d.leading_b, d.leading)};
  for (int64_t i = 0; i < d.leading.elements(); ++i)
    product(call, d, a + at_a.offset(i) * d.rows * d.depth,
            call.in<const B>(1) + at_b.offset(i) * d.depth * d.cols,
            call.out<T>(0) + i * d.rows * d.cols);
}

// They need no FMA, so they are compiled for no target of their own.
[[gnu::noinline]] void integer_products(const RefCall& call) {
  const DType a = call.operands[0].type->dtype;
  if (size_of(a) == 1)
    return visit_byte(a, [&]<class A>(A) {
      visit_byte(call.operands[1].type->dtype,
                 [&]<class B>(B) { products<A, B, int32_t>(call, call.in<const A>(0)); });
    });
  visit(a, [&]<class E>(E) {
    if constexpr (is_integer<E> && sizeof(E) >= 4) products<E, E, E>(call, call.in<const E>(0));
  });
}

// The numbers that bytes beside floats stand for.
template <class T>
HONE_INLINE std::vector<T> numbers_of(const RefCall& call) {
  const T zero = static_cast<T>(call.attrs().get_or("zero", 0.0));
  const T scale = static_cast<T>(call.attrs().get_or("scale", 1.0));
  const uint8_t* a = call.in<const uint8_t>(0);
  std::vector<T> numbers(static_cast<size_t>(call.operands[0].shape().elements()));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = (static_cast<T>(a[i]) - zero) * scale;
  return numbers;
}

// The interpreter applies the epilogue.
template <class T>
HONE_INLINE void matmul(const RefCall& call) {
  if (call.operands[1].type->dtype != dtype_of<T>()) integer_products(call);
  else if (call.operands[0].type->dtype == DType::u8)
    products<T, T, T>(call, numbers_of<T>(call).data());
  else products<T, T, T>(call, call.in<const T>(0));
}

}  // namespace

std::span<const ReferenceRow> gemm_reference() {
  static const ReferenceRow rows[] = {HONE_REFERENCE(matmul)};
  return rows;
}

}  // namespace hone::kernels

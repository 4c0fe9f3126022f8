// Scalar references of the reductions: 16 lanes for each segment, segments over the shard tree
// (docs/numerics.md, "Sums", "The batch" and "moments").
#include "kernels/reference.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <type_traits>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"
#include "kernels/families.h"
#include "kernels/reduce/reduction.h"

namespace hone::kernels {
namespace {

// Integers wrap around; computing in unsigned is how C++ says so.
template <class E>
using Wrapping = typename std::conditional_t<std::is_integral_v<E>,
                                             std::make_unsigned<std::common_type_t<E, int>>,
                                             std::type_identity<E>>::type;

// The sum of term(r) over a segment, in 16 lanes that are then added by halves.
template <class T, class Term>
HONE_INLINE Wrapping<T> lane_sum(int64_t begin, int64_t end, Term term) {
  using W = Wrapping<T>;
  W lane[16];
  for (W& l : lane) l = -W{0};
  for (int64_t r = begin; r < end; ++r) lane[(r - begin) % 16] += static_cast<W>(term(r));
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
  return lane[0];
}

template <class T>
HONE_INLINE T larger(T a, T b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return std::is_floating_point_v<T> && std::signbit(static_cast<double>(a)) ? b : a;
  return a > b ? a : b;
}

// Calls f with a value of the operand's C++ type.
template <class F>
HONE_INLINE void visit_number(const RefCall& call, F f) {
  visit(call.operands[0].type->dtype, [&](auto tag) {
    if constexpr (is_number<decltype(tag)>) f(tag);
    else
      fail(ErrorKind::Unsupported, "{} of {}: expected numbers", call.node->op->name,
           name_of(call.operands[0].type->dtype));
  });
}

template <class T>
HONE_INLINE void reduce_sum(const RefCall& call) {
  const Reduction reduction(call.operands[0].shape(), call.attrs());
  visit_number(call, [&](auto tag) {
    using E = decltype(tag);
    for (int64_t k = 0; k < reduction.results(); ++k) {
      const E* x = call.in<E>(0) + reduction.kept().offset(k);
      Wrapping<E> sums[kMaxTreeDepth] = {};
      tree_fold(
          reduction.segments(),
          [&](int64_t s, int slot) {
            sums[slot] = lane_sum<E>(reduction.begin(s), reduction.end(s),
                                     [&](int64_t r) { return x[reduction.reduced().offset(r)]; });
          },
          [&](int into, int from) { sums[into] += sums[from]; });
      call.out<E>(0)[k] = static_cast<E>(sums[0]);
    }
  });
}

template <class T>
HONE_INLINE void reduce_max(const RefCall& call) {
  const Reduction reduction(call.operands[0].shape(), call.attrs());
  require(reduction.elements() > 0, "reduce_max of {}: expected at least one element",
          call.operands[0].type->to_string());
  visit_number(call, [&](auto tag) {
    using E = decltype(tag);
    for (int64_t k = 0; k < reduction.results(); ++k) {
      const E* x = call.in<E>(0) + reduction.kept().offset(k);
      E best = x[0];
      for (int64_t r = 1; r < reduction.elements(); ++r)
        best = larger(best, x[reduction.reduced().offset(r)]);
      call.out<E>(0)[k] = best;
    }
  });
}

template <class T>
HONE_INLINE void reduce_prod(const RefCall& call) {
  const Reduction reduction(call.operands[0].shape(), call.attrs());
  visit_number(call, [&](auto tag) {
    using E = decltype(tag);
    for (int64_t k = 0; k < reduction.results(); ++k) {
      const E* x = call.in<E>(0) + reduction.kept().offset(k);
      Wrapping<E> product = 1;
      for (int64_t r = 0; r < reduction.elements(); ++r)
        product *= static_cast<Wrapping<E>>(x[reduction.reduced().offset(r)]);
      call.out<E>(0)[k] = static_cast<E>(product);
    }
  });
}

// One line of a tensor along an axis: `extent` elements, `stride` apart.
struct Line {
  int64_t extent, stride;

  Line(const Shape& shape, const RefCall& call) {
    const int64_t axis = call.attrs().integer("axis");
    extent = shape[static_cast<int>(axis)];
    stride = shape.strides()[static_cast<size_t>(axis)];
  }
  // Where line k begins.
  int64_t begin(int64_t k) const { return k / stride * stride * extent + k % stride; }
};

int64_t lines_of(const RefCall& call) {
  const Shape& shape = call.operands[0].shape();
  const int64_t extent = shape[static_cast<int>(call.attrs().integer("axis"))];
  return extent == 0 ? 0 : shape.elements() / extent;
}

template <class T>
HONE_INLINE void cumsum(const RefCall& call) {
  const Line line(call.operands[0].shape(), call);
  const bool exclusive = call.attrs().flag("exclusive"), reverse = call.attrs().flag("reverse");
  visit_number(call, [&](auto tag) {
    using E = decltype(tag);
    for (int64_t k = 0; k < lines_of(call); ++k) {
      Wrapping<E> sum = 0;
      for (int64_t i = 0; i < line.extent; ++i) {
        const int64_t at = line.begin(k) + (reverse ? line.extent - 1 - i : i) * line.stride;
        const auto before = sum;
        sum += static_cast<Wrapping<E>>(call.in<E>(0)[at]);
        call.out<E>(0)[at] = static_cast<E>(exclusive ? before : sum);
      }
    }
  });
}

// True if `a` goes before `b` where the greatest comes first; a NaN is the greatest.
template <class E>
bool goes_first(E a, E b) {
  return a > b || (a != a && b == b);
}

template <class E>
[[gnu::noinline]] void sort_lines(const RefCall& call) {
  const Line from(call.operands[0].shape(), call), to(call.results[0].shape(), call);
  const bool largest = call.attrs().flag("largest");
  std::vector<int64_t> order(static_cast<size_t>(from.extent));
  for (int64_t k = 0; k < lines_of(call); ++k) {
    const E* x = call.in<E>(0) + from.begin(k);
    const auto before = [&](int64_t a, int64_t b) {
      const E left = x[a * from.stride], right = x[b * from.stride];
      return largest ? goes_first(left, right) : goes_first(right, left);
    };
    std::iota(order.begin(), order.end(), int64_t{0});
    std::stable_sort(order.begin(), order.end(), before);
    for (int64_t i = 0; i < to.extent; ++i) {
      const int64_t at = to.begin(k) + i * to.stride, best = order[static_cast<size_t>(i)];
      call.out<E>(0)[at] = x[best * from.stride];
      call.out<int64_t>(1)[at] = best;
    }
  }
}

template <class T>
HONE_INLINE void topk(const RefCall& call) {
  visit_number(call, [&](auto tag) { sort_lines<decltype(tag)>(call); });
}

template <class T>
HONE_INLINE void argmax(const RefCall& call) {
  const Shape& shape = call.operands[0].shape();
  const int axis = static_cast<int>(call.attrs().integer("axis"));
  const int64_t extent = shape[axis];
  const int64_t inner = shape.strides()[static_cast<size_t>(axis)];
  require(extent > 0, "argmax over axis {} of {}: expected at least one element", axis, shape);
  visit_number(call, [&](auto tag) {
    using E = decltype(tag);
    for (int64_t k = 0; k < call.results[0].shape().elements(); ++k) {
      const E* x = call.in<E>(0) + k / inner * inner * extent + k % inner;
      int64_t best = 0;
      for (int64_t i = 1; i < extent; ++i) {
        const E value = x[i * inner], old = x[best * inner];
        if (value > old || (value != value && old == old)) best = i;
      }
      call.out<int64_t>(0)[k] = best;
    }
  });
}

template <class T>
struct Moments {
  T n, mean, m2;
};

template <class T>
HONE_INLINE Moments<T> merge(const Moments<T>& a, const Moments<T>& b) {
  const T d = b.mean - a.mean;
  const T n = a.n + b.n;
  const T f = b.n / n;
  return {n, std::fma(d, f, a.mean), std::fma(d * d, a.n * f, a.m2 + b.m2)};
}

template <class T>
HONE_INLINE void moments(const RefCall& call) {
  const Reduction reduction(call.operands[0].shape(), call.attrs());
  for (int64_t k = 0; k < reduction.results(); ++k) {
    const T* x = call.in<T>(0) + reduction.kept().offset(k);
    // Of no elements: the mean is 0 / 0, and the sum of squares +0.
    Moments<T> parts[kMaxTreeDepth] = {{0, std::numeric_limits<T>::quiet_NaN(), 0}};
    tree_fold(
        reduction.segments(),
        [&](int64_t s, int slot) {
          const int64_t begin = reduction.begin(s), end = reduction.end(s);
          const T n = static_cast<T>(end - begin);
          const T mean =
              lane_sum<T>(begin, end, [&](int64_t r) { return x[reduction.reduced().offset(r)]; }) /
              n;
          parts[slot] = {n, mean, lane_sum<T>(begin, end, [&](int64_t r) {
                           const T d = x[reduction.reduced().offset(r)] - mean;
                           return d * d;
                         })};
        },
        [&](int into, int from) { parts[into] = merge(parts[into], parts[from]); });
    call.out<T>(0)[k] = parts[0].mean;
    call.out<T>(1)[k] = parts[0].m2;
  }
}

}  // namespace

std::span<const ReferenceRow> reduce_reference() {
  static const ReferenceRow rows[] = {HONE_REFERENCE(reduce_sum),  HONE_REFERENCE(reduce_max),
                                      HONE_REFERENCE(reduce_prod), HONE_REFERENCE(cumsum),
                                      HONE_REFERENCE(topk),        HONE_REFERENCE(argmax),
                                      HONE_REFERENCE(moments)};
  return rows;
}

}  // namespace hone::kernels

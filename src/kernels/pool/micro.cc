// The loops of pooling, once for each ISA level (see kernels/simd.h).
#include "kernels/pool/micro.h"

#include <algorithm>
#include <limits>

#include "kernels/pool/window.h"
#include "kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/micro.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;

constexpr int64_t kLanes = HWY_MAX_BYTES / sizeof(float);

// How some channels of a pixel are read and written: as so many whole vectors, or as its tail.
template <int n>
struct Whole {
  static constexpr int vectors = n;
  HWY_INLINE V load(const float* from, int i) const { return hn::LoadU(D(), from + i * kLanes); }
  HWY_INLINE void store(V v, float* to, int i) const { hn::StoreU(v, D(), to + i * kLanes); }
};
struct Tail {
  static constexpr int vectors = 1;
  M mask;
  HWY_INLINE V load(const float* from, int) const { return hn::MaskedLoad(mask, D(), from); }
  HWY_INLINE void store(V v, float* to, int) const { hn::BlendedStore(v, mask, D(), to); }
};

// Several vectors at once share a walk through a window.
constexpr int kVectors = 4;

template <class Body>
HWY_INLINE void for_channels(const PoolPart& part, const Body& body) {
  int64_t c = part.channel;
  for (; c + kVectors * kLanes <= part.channel_end; c += kVectors * kLanes)
    body(c, Whole<kVectors>{});
  for (; c + kLanes <= part.channel_end; c += kLanes) body(c, Whole<1>{});
  if (c < part.channel_end)
    body(c, Tail{hn::FirstN(D(), static_cast<size_t>(part.channel_end - c))});
}

// Calls body(i) for each of so many vectors.
template <class Io, class Body>
HWY_INLINE void for_vectors(const Body& body) {
#pragma GCC unroll 4
  for (int i = 0; i < Io::vectors; ++i) body(i);
}

// The places of a window as offsets of their first channel, by steps alone.
struct Places {
  int64_t first, end, row, width, column;

  HWY_INLINE Places(const ir::PoolDims& d, const PoolWindow& window, int64_t n)
      : first(((n * d.h + window.h0) * d.w + window.w0) * d.c),
        end(first + (window.h1 - window.h0) * d.w * d.c),
        row(window.step_h * d.w * d.c),
        width((window.w1 - window.w0) * d.c),
        column(window.step_w * d.c) {}
};

// Calls body(offset of channel c) for the places in order.
template <class Body>
HWY_INLINE void for_places(const Places& places, int64_t c, const Body& body) {
  for (int64_t row = places.first; row < places.end; row += places.row)
    for (int64_t at = row; at < row + places.width; at += places.column) body(at + c);
}

// The greatest of a window, the first of equals; some NaN if there is one; -inf of no place.
template <class Io>
HWY_INLINE void greatest(const PoolPart& part, const Places& places, int64_t c, Io io,
                         V (&best)[Io::vectors]) {
  for_vectors<Io>(
      [&](int i) HWY_ATTR { best[i] = hn::Set(D(), -std::numeric_limits<float>::infinity()); });
  for_places(places, c, [&](int64_t at) HWY_ATTR {
    for_vectors<Io>([&](int i) HWY_ATTR {
      const V v = io.load(part.floats() + at, i);
      best[i] = hn::IfThenElse(hn::Or(hn::Gt(v, best[i]), hn::IsNaN(v)), v, best[i]);
    });
  });
}

// Calls body(window, places, c, offset in the result, io) for all channels of every output.
template <class Body>
HWY_INLINE void for_outputs(const PoolPart& part, const Body& body) {
  const ir::PoolDims& d = part.dims;
  int64_t n = part.begin / d.oh, oh = part.begin % d.oh;
  for (int64_t line = part.begin; line < part.end; ++line) {
    for (int64_t ow = 0; ow < d.ow; ++ow) {
      const PoolWindow window(d, oh, ow);
      const Places places(d, window, n);
      for_channels(part, [&](int64_t c, auto io) HWY_ATTR {
        body(window, places, c, (line * d.ow + ow) * d.c + c, io);
      });
    }
    if (++oh == d.oh) {
      oh = 0;
      ++n;
    }
  }
}

void max(const PoolPart& part) {
  for_outputs(
      part, [&](const PoolWindow&, const Places& places, int64_t c, int64_t at, auto io) HWY_ATTR {
        using Io = decltype(io);
        V best[Io::vectors];
        greatest(part, places, c, io, best);
        for_vectors<Io>([&](int i) HWY_ATTR { io.store(best[i], part.result_floats() + at, i); });
      });
}

// The compiler makes vectors of the loops over channels.
template <class T>
void max_bytes(const PoolPart& part) {
  const ir::PoolDims& d = part.dims;
  const int64_t channels = part.channel_end - part.channel;
  for (int64_t line = part.begin; line < part.end; ++line)
    for (int64_t ow = 0; ow < d.ow; ++ow) {
      const Places places(d, PoolWindow(d, line % d.oh, ow), line / d.oh);
      T* __restrict best =
          reinterpret_cast<T*>(part.result) + (line * d.ow + ow) * d.c + part.channel;
      std::fill_n(best, channels, std::numeric_limits<T>::lowest());
      for_places(places, part.channel, [&](int64_t at) HWY_ATTR {
        const T* __restrict x = reinterpret_cast<const T*>(part.x) + at;
        for (int64_t c = 0; c < channels; ++c) best[c] = x[c] > best[c] ? x[c] : best[c];
      });
    }
}

void average(const PoolPart& part) {
  for_outputs(part, [&](const PoolWindow& window, const Places& places, int64_t c, int64_t at,
                        auto io) HWY_ATTR {
    using Io = decltype(io);
    V sum[Io::vectors];
    for_vectors<Io>([&](int i) HWY_ATTR { sum[i] = hn::Set(D(), -0.0f); });
    for_places(places, c, [&](int64_t from) HWY_ATTR {
      for_vectors<Io>([&](int i)
                          HWY_ATTR { sum[i] = hn::Add(sum[i], io.load(part.floats() + from, i)); });
    });
    const V count = hn::Set(D(), static_cast<float>(window.count(part.dims, part.count_pad)));
    for_vectors<Io>([&](int i) HWY_ATTR {
      io.store(window.empty() ? hn::Zero(D()) : hn::Div(sum[i], count), part.result_floats() + at,
               i);
    });
  });
}

// What dL/dx holds before a window adds to it: nothing yet, where windows do not overlap.
template <class Io>
HWY_INLINE V sum_so_far(const PoolPart& part, int64_t at, Io io, int i) {
  return part.disjoint ? hn::Zero(D()) : io.load(part.result_floats() + at, i);
}

// Zeroes the gradient of the part's samples, unless every place will be written, then calls
// body(window, places, c, offset in dy, io) for all channels of every output.
template <class Body>
HWY_INLINE void for_gradients(const PoolPart& part, const Body& body) {
  const ir::PoolDims& d = part.dims;
  const bool all_written = d.stride_h == d.kh && d.stride_w == d.kw && d.oh * d.kh == d.h &&
                           d.ow * d.kw == d.w && d.pad_top + d.pad_left == 0 &&
                           d.dilation_h * d.dilation_w == 1;
  for (int64_t n = part.begin; n < part.end; ++n) {
    if (!all_written)
      for (int64_t pixel = n * d.h * d.w; pixel < (n + 1) * d.h * d.w; ++pixel)
        for_channels(part, [&](int64_t c, auto io) HWY_ATTR {
          for_vectors<decltype(io)>([&](int i) HWY_ATTR {
            io.store(hn::Zero(D()), part.result_floats() + pixel * d.c + c, i);
          });
        });
    for (int64_t oh = 0; oh < d.oh; ++oh)
      for (int64_t ow = 0; ow < d.ow; ++ow) {
        const PoolWindow window(d, oh, ow);
        const Places places(d, window, n);
        for_channels(part, [&](int64_t c, auto io) HWY_ATTR {
          body(window, places, c, ((n * d.oh + oh) * d.ow + ow) * d.c + c, io);
        });
      }
  }
}

void max_grad(const PoolPart& part) {
  for_gradients(part, [&](const PoolWindow&, const Places& places, int64_t c, int64_t y_at,
                          auto io) HWY_ATTR {
    using Io = decltype(io);
    V best[Io::vectors];
    greatest(part, places, c, io, best);
    M given[Io::vectors];  // lanes whose gradient has found its place
    for_vectors<Io>([&](int i) HWY_ATTR { given[i] = hn::MaskFromVec(hn::Zero(D())); });
    for_places(places, c, [&](int64_t at) HWY_ATTR {
      for_vectors<Io>([&](int i) HWY_ATTR {
        const V v = io.load(part.floats() + at, i), before = sum_so_far(part, at, io, i);
        const M is_best = hn::Or(hn::Eq(v, best[i]), hn::And(hn::IsNaN(best[i]), hn::IsNaN(v)));
        const V after = hn::Add(before, io.load(part.dy + y_at, i));
        io.store(hn::IfThenElse(hn::AndNot(given[i], is_best), after, before),
                 part.result_floats() + at, i);
        given[i] = hn::Or(given[i], is_best);
      });
    });
  });
}

void average_grad(const PoolPart& part) {
  for_gradients(part, [&](const PoolWindow& window, const Places& places, int64_t c, int64_t y_at,
                          auto io) HWY_ATTR {
    using Io = decltype(io);
    const V count = hn::Set(D(), static_cast<float>(window.count(part.dims, part.count_pad)));
    V share[Io::vectors];
    for_vectors<Io>([&](int i) HWY_ATTR { share[i] = hn::Div(io.load(part.dy + y_at, i), count); });
    for_places(places, c, [&](int64_t at) HWY_ATTR {
      for_vectors<Io>([&](int i) HWY_ATTR {
        io.store(hn::Add(sum_so_far(part, at, io, i), share[i]), part.result_floats() + at, i);
      });
    });
  });
}

}  // namespace

constexpr PoolFns kFns = {kLanes,    &max,     &max_bytes<uint8_t>, &max_bytes<int8_t>,
                          &max_grad, &average, &average_grad};

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
const PoolFns& pool_fns(Isa isa) { return HONE_FOR_ISA(isa, kFns); }
}  // namespace hone::kernels
#endif

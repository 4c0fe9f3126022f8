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

// How a vector of channels is read and written: whole, or the tail of a pixel.
struct Whole {
  HWY_INLINE V load(const float* from) const { return hn::LoadU(D(), from); }
  HWY_INLINE void store(V v, float* to) const { hn::StoreU(v, D(), to); }
};
struct Tail {
  M mask;
  HWY_INLINE V load(const float* from) const { return hn::MaskedLoad(mask, D(), from); }
  HWY_INLINE void store(V v, float* to) const { hn::BlendedStore(v, mask, D(), to); }
};

template <class Body>
HWY_INLINE void for_channels(const PoolPart& part, const Body& body) {
  int64_t c = part.channel;
  for (; c + kLanes <= part.channel_end; c += kLanes) body(c, Whole{});
  if (c < part.channel_end)
    body(c, Tail{hn::FirstN(D(), static_cast<size_t>(part.channel_end - c))});
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
HWY_INLINE V greatest(const PoolPart& part, const Places& places, int64_t c, Io io) {
  V best = hn::Set(D(), -std::numeric_limits<float>::infinity());
  for_places(places, c, [&](int64_t at) HWY_ATTR {
    const V v = io.load(part.floats() + at);
    best = hn::IfThenElse(hn::Or(hn::Gt(v, best), hn::IsNaN(v)), v, best);
  });
  return best;
}

// Calls body(window, places, c, offset in the result, io) for every vector of every output.
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
  for_outputs(part,
              [&](const PoolWindow&, const Places& places, int64_t c, int64_t at, auto io)
                  HWY_ATTR { io.store(greatest(part, places, c, io), part.result_floats() + at); });
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
    V sum = hn::Set(D(), -0.0f);
    for_places(places, c,
               [&](int64_t from) HWY_ATTR { sum = hn::Add(sum, io.load(part.floats() + from)); });
    const V count = hn::Set(D(), static_cast<float>(window.count(part.dims, part.count_pad)));
    io.store(window.empty() ? hn::Zero(D()) : hn::Div(sum, count), part.result_floats() + at);
  });
}

// What dL/dx holds before a window adds to it: nothing yet, where windows do not overlap.
template <class Io>
HWY_INLINE V sum_so_far(const PoolPart& part, int64_t at, Io io) {
  return part.disjoint ? hn::Zero(D()) : io.load(part.result_floats() + at);
}

// Zeroes the gradient of the part's samples, unless every place will be written, then calls
// body(window, places, c, offset in dy, io) for every vector of every output.
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
          io.store(hn::Zero(D()), part.result_floats() + pixel * d.c + c);
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
    const V best = greatest(part, places, c, io);
    const V dy = io.load(part.dy + y_at);
    const M best_is_nan = hn::IsNaN(best);
    M given = hn::MaskFromVec(hn::Zero(D()));  // lanes whose gradient has found its place
    for_places(places, c, [&](int64_t at) HWY_ATTR {
      const V v = io.load(part.floats() + at);
      const M is_best = hn::Or(hn::Eq(v, best), hn::And(best_is_nan, hn::IsNaN(v)));
      const V before = sum_so_far(part, at, io);
      io.store(hn::IfThenElse(hn::AndNot(given, is_best), hn::Add(before, dy), before),
               part.result_floats() + at);
      given = hn::Or(given, is_best);
    });
  });
}

void average_grad(const PoolPart& part) {
  for_gradients(part, [&](const PoolWindow& window, const Places& places, int64_t c, int64_t y_at,
                          auto io) HWY_ATTR {
    const V count = hn::Set(D(), static_cast<float>(window.count(part.dims, part.count_pad)));
    const V share = hn::Div(io.load(part.dy + y_at), count);
    for_places(places, c, [&](int64_t at) HWY_ATTR {
      io.store(hn::Add(sum_so_far(part, at, io), share), part.result_floats() + at);
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

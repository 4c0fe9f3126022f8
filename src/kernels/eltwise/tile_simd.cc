// The tile instructions, compiled for each ISA level (kernels/simd.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/eltwise/tile_simd.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

// Once for all targets.
#include <array>
#include <utility>

#include "kernels/eltwise/tile_ops.h"
#include "kernels/reference.h"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace hone::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
constexpr hn::ScalableTag<float> kF32;
constexpr hn::RebindToUnsigned<decltype(kF32)> kU32;
constexpr hn::RebindToSigned<decltype(kF32)> kI32;
using V = hn::Vec<decltype(kF32)>;
using U = hn::Vec<decltype(kU32)>;
using Mask = hn::Mask<decltype(kF32)>;

namespace math {

HONE_INLINE V splat(float x) { return hn::Set(kF32, x); }
HONE_INLINE V fma(V a, V b, V c) { return hn::MulAdd(a, b, c); }
HONE_INLINE V choose(Mask mask, V yes, V no) { return hn::IfThenElse(mask, yes, no); }
HONE_INLINE V magnitude(V x) { return hn::Abs(x); }
HONE_INLINE V with_sign(V magnitude, V sign) { return hn::CopySign(magnitude, sign); }
HONE_INLINE U splat_bits(uint32_t x) { return hn::Set(kU32, x); }
HONE_INLINE U bits(V x) { return hn::BitCast(kU32, x); }
HONE_INLINE V from_bits(U x) { return hn::BitCast(kF32, x); }
HONE_INLINE V to_float(U x) { return hn::ConvertTo(kF32, hn::BitCast(kI32, x)); }
template <int n>
HONE_INLINE U shift_left(U x) {
  return hn::ShiftLeft<n>(x);
}
template <int n>
HONE_INLINE U shift_right(U x) {
  return hn::BitCast(kU32, hn::ShiftRight<n>(hn::BitCast(kI32, x)));
}

#include "kernels/eltwise/math.h"

}  // namespace math

/// NaN wins. Equal operands differ at most in the sign of zero, which `zeros` settles bitwise.
HONE_INLINE V extreme(Mask first, V a, V b, V zeros) {
  const V ordered = hn::IfThenElse(a == b, zeros, hn::IfThenElse(first, a, b));
  return hn::IfThenElse(a == a, ordered, a);
}

/// To an integral number in [low, high]; NaN to 0.
HONE_INLINE V truncated(V x, float low, float high) {
  const V number = hn::IfThenElseZero(x == x, x);
  const V clamped = hn::Min(hn::Max(number, hn::Set(kF32, low)), hn::Set(kF32, high));
  return hn::Trunc(clamped) + hn::Zero(kF32);  // integers have no -0
}
HONE_INLINE V to_u8(V x) { return truncated(x, 0, 255); }
HONE_INLINE V to_i8(V x) { return truncated(x, -128, 127); }

template <TileOp op>
HONE_INLINE V compute(V a, V b, V c) {
  const V one = hn::Set(kF32, 1.0f);
  if constexpr (op == TileOp::copy) return a;
  else if constexpr (op == TileOp::nonzero) return hn::IfThenZeroElse(a == hn::Zero(kF32), one);
  else if constexpr (op == TileOp::neg) return hn::Neg(a);
  else if constexpr (op == TileOp::abs) return hn::Abs(a);
  else if constexpr (op == TileOp::exp) return math::exp(a);
  else if constexpr (op == TileOp::log) return math::log(a);
  else if constexpr (op == TileOp::sqrt) return hn::Sqrt(a);
  else if constexpr (op == TileOp::tanh) return math::tanh(a);
  else if constexpr (op == TileOp::sigmoid) return math::sigmoid(a);
  else if constexpr (op == TileOp::erf) return math::erf(a);
  else if constexpr (op == TileOp::cos) return math::cos(a);
  else if constexpr (op == TileOp::sin) return math::sin(a);
  else if constexpr (op == TileOp::atan) return math::atan(a);
  else if constexpr (op == TileOp::floor) return hn::Floor(a);
  else if constexpr (op == TileOp::round) return hn::Round(a);
  else if constexpr (op == TileOp::relu) return hn::IfThenZeroElse(a <= hn::Zero(kF32), a);
  else if constexpr (op == TileOp::to_u8) return to_u8(a);
  else if constexpr (op == TileOp::to_i8) return to_i8(a);
  else if constexpr (op == TileOp::to_f32) return hn::ConvertTo(kF32, hn::BitCast(kI32, a));
  else if constexpr (op == TileOp::add_i32)
    return hn::BitCast(kF32, hn::BitCast(kI32, a) + hn::BitCast(kI32, b));
  else if constexpr (op == TileOp::sub_i32)
    return hn::BitCast(kF32, hn::BitCast(kI32, a) - hn::BitCast(kI32, b));
  else if constexpr (op == TileOp::add) return a + b;
  else if constexpr (op == TileOp::sub) return a - b;
  else if constexpr (op == TileOp::mul) return a * b;
  else if constexpr (op == TileOp::div) return a / b;
  else if constexpr (op == TileOp::max) return extreme(a > b, a, b, hn::And(a, b));
  else if constexpr (op == TileOp::min) return extreme(a < b, a, b, hn::Or(a, b));
  else if constexpr (op == TileOp::equal) return hn::IfThenElseZero(a == b, one);
  else if constexpr (op == TileOp::greater) return hn::IfThenElseZero(a > b, one);
  else return hn::IfThenElse(a == hn::Zero(kF32), c, b);
}

/// Operand i of an instruction: a tile, or one element for all lanes, or absent.
template <int i, TileOp op, unsigned scalars>
class Operand {
  static constexpr bool kUsed = i < arity_of(op);
  static constexpr bool kScalar = (scalars >> i & 1) != 0;

 public:
  HONE_INLINE explicit Operand(const float* data) : data_(data), all_(hn::Zero(kF32)) {
    if constexpr (kUsed && kScalar) all_ = hn::Set(kF32, *data);
  }
  HONE_INLINE V load(size_t at) const {
    if constexpr (kUsed && !kScalar) return hn::LoadU(kF32, data_ + at);
    else return all_;
  }
  HONE_INLINE V load(size_t at, Mask mask) const {
    if constexpr (kUsed && !kScalar) return hn::MaskedLoad(mask, kF32, data_ + at);
    else return all_;
  }

 private:
  const float* data_;
  V all_;
};

template <TileOp op, unsigned scalars>
void instruction(float* dst, const float* pa, const float* pb, const float* pc, int64_t n) {
  const Operand<0, op, scalars> a(pa);
  const Operand<1, op, scalars> b(pb);
  const Operand<2, op, scalars> c(pc);
  const size_t lanes = hn::Lanes(kF32);
  const size_t count = static_cast<size_t>(n);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(compute<op>(a.load(i), b.load(i), c.load(i)), kF32, dst + i);
  if (i < count) {
    const Mask rest = hn::FirstN(kF32, count - i);
    hn::BlendedStore(compute<op>(a.load(i, rest), b.load(i, rest), c.load(i, rest)), rest, kF32,
                     dst + i);
  }
}

/// Plain loops: the compiler vectorises them for this target, though not well from bytes.
template <class T>
void load(float* dst, const std::byte* src, int64_t n) {
  const T* from = reinterpret_cast<const T*>(src);
  for (int64_t i = 0; i < n; ++i) dst[i] = convert<float>(from[i]);
}

template <>
void load<uint8_t>(float* dst, const std::byte* src, int64_t n) {
  constexpr hn::Rebind<uint8_t, decltype(kF32)> kU8;
  const uint8_t* from = reinterpret_cast<const uint8_t*>(src);
  const auto lanes = static_cast<int64_t>(hn::Lanes(kF32));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::ConvertTo(kF32, hn::PromoteTo(kI32, hn::LoadU(kU8, from + i))), kF32, dst + i);
  for (; i < n; ++i) dst[i] = from[i];
}

// Rows are short: what is stored past one belongs to the next ones, while there are any.
void spread(float* dst, const float* values, int64_t rows, int64_t cols) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(kF32));
  const float* end = dst + rows * cols;
  for (int64_t r = 0; r < rows; ++r, dst += cols) {
    const V value = hn::Set(kF32, values[r]);
    int64_t j = 0;
    for (; j < cols && lanes <= end - (dst + j); j += lanes) hn::StoreU(value, kF32, dst + j);
    if (j < cols)
      hn::BlendedStore(value, hn::FirstN(kF32, static_cast<size_t>(cols - j)), kF32, dst + j);
  }
}

void store_bool(std::byte* dst, const float* src, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dst[i] = static_cast<std::byte>(src[i] != 0);
}

/// To bytes, by `convert_vector` and, what is left, one by one.
template <class T, class Convert>
HONE_INLINE void store_bytes(std::byte* dst, const float* src, int64_t n, Convert convert_vector) {
  constexpr hn::Rebind<T, decltype(kF32)> kBytes;
  T* to = reinterpret_cast<T*>(dst);
  const auto lanes = static_cast<int64_t>(hn::Lanes(kF32));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::DemoteTo(kBytes, hn::ConvertTo(kI32, convert_vector(hn::LoadU(kF32, src + i)))),
               kBytes, to + i);
  for (; i < n; ++i) to[i] = convert<T>(src[i]);
}
void store_u8(std::byte* dst, const float* src, int64_t n) {
  store_bytes<uint8_t>(dst, src, n, [](V x) HWY_ATTR { return to_u8(x); });
}
void store_i8(std::byte* dst, const float* src, int64_t n) {
  store_bytes<int8_t>(dst, src, n, [](V x) HWY_ATTR { return to_i8(x); });
}

/// Null where every operand would be a single element (but for copy).
template <TileOp op, unsigned scalars>
constexpr TileFn instruction_or_null() {
  constexpr unsigned all = (1u << arity_of(op)) - 1;
  if constexpr (scalars < all || (op == TileOp::copy && scalars == all))
    return instruction<op, scalars>;
  else return nullptr;
}

template <size_t... i>
constexpr TileOps make_ops(std::index_sequence<i...>) {
  TileOps ops = {};
  ((ops.fn[i / 8][i % 8] = instruction_or_null<static_cast<TileOp>(i / 8), i % 8>()), ...);
  ops.load[static_cast<size_t>(DType::f32)] = load<float>;
  ops.load[static_cast<size_t>(DType::i32)] = load<float>;
  ops.load[static_cast<size_t>(DType::i64)] = load<int64_t>;
  ops.load[static_cast<size_t>(DType::u8)] = load<uint8_t>;
  ops.load[static_cast<size_t>(DType::boolean)] = load<uint8_t>;
  ops.load[static_cast<size_t>(DType::i8)] = load<int8_t>;
  ops.load[static_cast<size_t>(DType::i16)] = load<int16_t>;
  ops.load[static_cast<size_t>(DType::u16)] = load<uint16_t>;
  ops.load[static_cast<size_t>(DType::u32)] = load<uint32_t>;
  ops.load[static_cast<size_t>(DType::u64)] = load<uint64_t>;
  ops.load[static_cast<size_t>(DType::f16)] = load<Float16>;
  ops.load[static_cast<size_t>(DType::bf16)] = load<BFloat16>;
  ops.spread = spread;
  ops.store[static_cast<size_t>(DType::boolean)] = store_bool;
  ops.store[static_cast<size_t>(DType::u8)] = store_u8;
  ops.store[static_cast<size_t>(DType::i8)] = store_i8;
  return ops;
}

}  // namespace

extern const TileOps ops;
constexpr TileOps ops = make_ops(std::make_index_sequence<size_t{kTileOps} * 8>());

}  // namespace hone::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hone::kernels {
const TileOps& tile_ops(Isa isa) { return HONE_FOR_ISA(isa, ops); }
}  // namespace hone::kernels
#endif

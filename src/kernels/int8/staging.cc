// Line by line, unless there is no padding.
#include "kernels/int8/staging.h"

#include <cstring>

namespace hone::kernels {

Staging::Staging(const DotFns& fns, const DotGeometry& at, bool is_signed, int64_t pad_value)
    : fns_(fns),
      at_(at),
      is_signed_(is_signed),
      pad_element_(static_cast<int>(pad_value + (is_signed ? fns.i8_offset : 0))) {}

void Staging::fill_padding(std::byte* to, int64_t elements) const {
  if (fns_.element_bytes == 1) std::memset(to, pad_element_, static_cast<size_t>(elements));
  else std::fill_n(reinterpret_cast<int16_t*>(to), elements, static_cast<int16_t>(pad_element_));
}

void Staging::copy_bytes(const std::byte* from, int64_t n, std::byte* to) const {
  if (is_signed_) fns_.stage_i8(to, reinterpret_cast<const int8_t*>(from), n);
  else fns_.stage_u8(to, reinterpret_cast<const uint8_t*>(from), n);
}

void Staging::copy(const std::byte* x, Range lines, std::byte* to) const {
  if (!at_.has_padding()) return copy_bytes(x + lines.begin * line(), lines.size() * line(), to);
  const int64_t element = fns_.element_bytes;
  const int64_t left = at_.left * at_.c, inside = at_.w * at_.c;
  for (int64_t i = lines.begin; i < lines.end; ++i, to += bytes(1)) {
    const int64_t h = i % this->lines() - at_.top;
    if (h < 0 || h >= at_.h) {
      fill_padding(to, line());
      continue;
    }
    fill_padding(to, left);
    copy_bytes(x + (i / this->lines() * at_.h + h) * inside, inside, to + left * element);
    fill_padding(to + (left + inside) * element, at_.right * at_.c);
  }
}

}  // namespace hone::kernels

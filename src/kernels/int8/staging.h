// The copy of x that int8.dot reads where it cannot read x in place: with padding around each
// image, of elements as a level multiplies them (micro.h).
#pragma once

#include "kernels/blocks.h"
#include "kernels/int8/geometry.h"

namespace hone::kernels {

class Staging {
 public:
  Staging(const DotFns& fns, const DotGeometry& at, bool is_signed, int64_t pad_value);

  /// Elements of a line.
  int64_t line() const { return (at_.left + at_.w + at_.right) * at_.c; }
  /// Lines of an image.
  int64_t lines() const { return at_.top + at_.h + at_.bottom; }
  /// Bytes of so many lines.
  int64_t bytes(int64_t lines) const { return lines * line() * fns_.element_bytes; }

  /// Copies lines, counted like those of the copy through all images.
  void copy(const std::byte* x, Range lines, std::byte* to) const;

 private:
  void copy_bytes(const std::byte* from, int64_t n, std::byte* to) const;
  void fill_padding(std::byte* to, int64_t elements) const;

  const DotFns& fns_;
  DotGeometry at_;
  bool is_signed_;
  int pad_element_;
};

}  // namespace hone::kernels

// What a kernel offers that can compute some lines of its result on their own: its lines then go on
// to the next kernel while they are in a core's cache (kernels/chain.h).
#pragma once

#include "kernels/blocks.h"
#include "kernels/kernel.h"

namespace hone::kernels {

/// Lines of an image in NHWC, counted through all samples.
using Lines = Range;

/// The image whose lines a result [N,H,W,C] or [N,C] is made of: itself, or one line a sample.
inline Shape image_of_lines(const Shape& result) {
  return result.rank() == 4 ? result : Shape{result[0], 1, 1, result[1]};
}

class LineKernel {
 public:
  virtual ~LineKernel() = default;
  /// Some lines of one sample with those that can only be computed together with them.
  virtual Lines whole(Lines lines) const { return lines; }
  /// Which lines of operand 0 some lines of one sample of the result read: of the same sample, or
  /// an empty range, wherever it lies.
  virtual Lines reads(Lines lines) const = 0;
  virtual int64_t line_scratch_bytes() const = 0;
  /// Computes whole lines, alone on this thread, with that much scratch and no workspace. Of the
  /// images only the lines that are read and written need be in memory; data points to where line 0
  /// would be.
  virtual void run_lines(const Call& call, Lines lines) const noexcept = 0;
};

}  // namespace hone::kernels

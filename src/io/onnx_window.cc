// Reading the attributes that place a window.
#include "io/onnx_window.h"

#include <algorithm>

#include "base/error.h"

namespace hone::io {
namespace {

using ir::Ints;

// Beyond any real network; keeps the arithmetic below from overflowing.
constexpr int64_t kMost = int64_t{1} << 31;

void check(const Ints& values, size_t count, int64_t least, std::string_view what) {
  require(values.size() == count, "{}: expected {} integers, found {}", what, count, values.size());
  for (int64_t v : values)
    require(v >= least && v < kMost, "{}: {} is not in [{}, 2^31)", what, v, least);
}

}  // namespace

OnnxWindow window_of(const onnx::NodeProto& node, const Shape& x, Ints kernel) {
  require(x.rank() >= 3, "expected an input [N,C,...], found {}", x);
  const size_t rank = static_cast<size_t>(x.rank()) - 2;
  OnnxWindow w;
  w.kernel = std::move(kernel);
  w.stride = ints_of(node, "strides", Ints(rank, 1));
  w.dilation = ints_of(node, "dilations", Ints(rank, 1));
  const Ints pads = ints_of(node, "pads", Ints(2 * rank, 0));
  check(w.kernel, rank, 1, "kernel_shape");
  check(w.stride, rank, 1, "strides");
  check(w.dilation, rank, 1, "dilations");
  check(pads, 2 * rank, 0, "pads");
  w.begin.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(rank));
  w.end.assign(pads.begin() + static_cast<std::ptrdiff_t>(rank), pads.end());
  w.outputs.assign(rank, 0);

  const std::string automatic = string_of(node, "auto_pad", "NOTSET");
  const bool upper = automatic == "SAME_UPPER";
  const bool same = upper || automatic == "SAME_LOWER";
  require(same || automatic == "NOTSET" || automatic == "VALID" || automatic.empty(),
          "auto_pad '{}' is unknown", automatic);
  if (automatic == "VALID") w.begin = w.end = Ints(rank, 0);
  const bool ceil = int_of(node, "ceil_mode", 0) != 0;
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = x[static_cast<int>(i) + 2];
    if (same) {
      // As many outputs as inputs over the stride; an odd pad goes to the end, or to the beginning.
      const int64_t outputs = (extent + w.stride[i] - 1) / w.stride[i];
      const int64_t all = std::max<int64_t>(0, (outputs - 1) * w.stride[i] + w.reach(i) - extent);
      w.begin[i] = upper ? all / 2 : all - all / 2;
      w.end[i] = all - w.begin[i];
    }
    const int64_t padded = extent + w.begin[i] + w.end[i];
    require(padded >= w.reach(i), "the window reaches over {} places, the padded input has {}",
            w.reach(i), padded);
    const int64_t room = padded - w.reach(i);
    w.outputs[i] = room / w.stride[i] + 1;
    // A last window that would not fit may, unless it would start in the padding.
    if (ceil && room % w.stride[i] != 0 && w.outputs[i] * w.stride[i] < extent + w.begin[i]) {
      w.end[i] += w.outputs[i] * w.stride[i] - room;
      ++w.outputs[i];
    }
  }
  return w;
}

}  // namespace hone::io

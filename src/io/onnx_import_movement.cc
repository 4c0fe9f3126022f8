// Import rows of the ops that move elements: hone slices one axis in steps of 1 and pads it with
// zeros; the rest is made of that, of picking elements by number, and of reshaping.
#include <algorithm>

#include "base/error.h"
#include "io/onnx_rows.h"

namespace hone::io {
namespace {

using ir::Expr;
using ir::Ints;
using ir::ValueId;
using Node = onnx::NodeProto;

int64_t static_extent(const Expr& x, int64_t axis) {
  const int64_t extent = x.shape()[static_cast<int>(axis)];
  if (extent == kBatch)
    fail(ErrorKind::Unsupported, "axis {} is the symbolic batch: give its extent", axis);
  return extent;
}

}  // namespace

Expr pick(const Expr& x, int64_t axis, const Ints& indices) {
  // One run is a slice.
  bool is_run = !indices.empty();
  for (size_t i = 1; i < indices.size(); ++i) is_run &= indices[i] == indices[i - 1] + 1;
  if (indices.empty()) return ir::slice(x, axis, 0, 0);
  if (is_run) return ir::slice(x, axis, indices.front(), indices.back() + 1);
  const Tensor list = Tensor::from<int64_t>({static_cast<int64_t>(indices.size())}, indices);
  return ir::gather(x, ir::constant(*x.graph, list), axis);
}

namespace {

void transpose(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  Ints reversed;
  for (int i = x.rank(); i-- > 0;) reversed.push_back(i);
  in.bind(n, ir::transpose(x, ints_of(n, "perm", reversed)));
}

// Elements begin, begin + step, ... before `end`, as Python counts them.
Expr slice_axis(OnnxImporter& in, const Expr& x, int64_t axis, int64_t begin, int64_t end,
                int64_t step) {
  const int64_t extent = static_extent(x, axis);
  require(step != 0, "a step is 0");
  const auto place = [&](int64_t p, int64_t least, int64_t most) {
    return std::clamp(p < 0 ? std::max(p, -extent - 1) + extent : p, least, most);
  };
  if (step == 1) {
    const int64_t from = place(begin, 0, extent);
    return ir::slice(x, axis, from, std::max(from, place(end, 0, extent)));
  }
  in.charge(extent);
  Ints places;
  if (step > 0)
    for (int64_t p = place(begin, 0, extent), last = place(end, 0, extent); p < last;
         p += std::min(step, extent))
      places.push_back(p);
  else
    for (int64_t p = place(begin, -1, extent - 1), last = place(end, -1, extent - 1); p > last;
         p += std::max(step, -extent))
      places.push_back(p);
  return pick(x, axis, places);
}

// Before opset 10 the places are attributes, and there are no steps.
void slice(OnnxImporter& in, const Node& n) {
  const bool inputs = in.has(n, 1);
  const Ints begins = inputs ? in.numbers(n, 1) : ints_of(n, "starts");
  const Ints ends = inputs ? in.numbers(n, 2) : ints_of(n, "ends");
  Ints axes = in.has(n, 3) ? in.numbers(n, 3) : ints_of(n, "axes");
  const Ints steps = in.has(n, 4) ? in.numbers(n, 4) : Ints(begins.size(), 1);
  if (axes.empty())
    for (size_t i = 0; i < begins.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  require(
      ends.size() == begins.size() && axes.size() == begins.size() && steps.size() == begins.size(),
      "starts, ends, axes and steps differ in length");
  Expr x = in.expr(n, 0);
  for (size_t i = 0; i < begins.size(); ++i)
    x = slice_axis(in, x, axis_of(axes[i], x.rank()), begins[i], ends[i], steps[i]);
  in.bind(n, x);
}

// Along one axis: a constant, or numbers of elements that stand in the padding.
Expr pad_axis(OnnxImporter& in, const Expr& x, int64_t axis, int64_t before, int64_t after,
              const std::string& mode, double value) {
  const int64_t extent = static_extent(x, axis);
  const Expr cut = ir::slice(x, axis, std::clamp<int64_t>(-before, 0, extent),
                             extent - std::clamp<int64_t>(-after, 0, extent));
  const Expr& inside = before < 0 || after < 0 ? cut : x;
  before = std::max<int64_t>(0, before);
  after = std::max<int64_t>(0, after);
  if (mode == "constant" && value == 0) return ir::pad(inside, axis, before, after);
  if (mode == "constant") {
    const auto block = [&](int64_t size) {
      Ints dims = inside.shape().dims();
      dims[static_cast<size_t>(axis)] = size;
      return ir::broadcast(in.scalar(x.dtype(), value), Shape(dims));
    };
    std::vector<Expr> parts;
    if (before > 0) parts.push_back(block(before));
    parts.push_back(inside);
    if (after > 0) parts.push_back(block(after));
    return ir::concat(parts, axis);
  }
  const int64_t m = inside.shape()[static_cast<int>(axis)];
  in.charge(before + m + after);
  require(m > 0, "cannot pad an axis of 0 by its elements");
  Ints places;
  for (int64_t p = -before; p < m + after; ++p) {
    int64_t at = p;
    if (mode == "edge") {
      at = std::clamp<int64_t>(p, 0, m - 1);
    } else if (mode == "wrap") {
      at = (p % m + m) % m;
    } else if (m == 1) {
      at = 0;
    } else {
      const int64_t period = 2 * (m - 1);
      at = (p % period + period) % period;
      at = std::min(at, period - at);
    }
    places.push_back(at);
  }
  return pick(inside, axis, places);
}

void pad(OnnxImporter& in, const Node& n) {
  const std::string mode = string_of(n, "mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    fail(ErrorKind::Unsupported, "mode '{}' is not supported", mode);
  const std::vector<double> given = in.has(n, 2) ? in.reals(n, 2) : std::vector<double>{};
  require(given.size() <= 1, "expected one value, found {}", given.size());
  const double value = given.empty() ? float_of(n, "value", 0) : given[0];
  Expr x = in.expr(n, 0);
  const Ints pads = in.has(n, 1) ? in.numbers(n, 1) : ints_of(n, "pads");
  Ints axes = in.has(n, 3) ? in.numbers(n, 3) : Ints{};
  if (!in.has(n, 3))
    for (int64_t a = 0; a < x.rank(); ++a) axes.push_back(a);
  require(pads.size() == 2 * axes.size(), "expected {} pads, found {}", 2 * axes.size(),
          pads.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t before = pads[i];
    const int64_t after = pads[i + axes.size()];
    require(std::abs(before) < INT32_MAX && std::abs(after) < INT32_MAX,
            "padding by {} and {} is out of range", before, after);
    if (before != 0 || after != 0)
      x = pad_axis(in, x, axis_of(axes[i], x.rank()), before, after, mode, value);
  }
  in.bind(n, x);
}

// Equal parts (the last may be smaller), or parts of given sizes.
void split(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const int64_t axis = axis_of(int_of(n, "axis", 0), x.rank());
  const int64_t extent = static_extent(x, axis);
  Ints sizes = in.has(n, 1) ? in.numbers(n, 1) : ints_of(n, "split");
  require(n.output_size() > 0, "the node has no output");
  if (sizes.empty()) {
    const int64_t parts = int_of(n, "num_outputs", n.output_size());
    require(parts == n.output_size(), "num_outputs is {}, the node has {} outputs", parts,
            n.output_size());
    const int64_t size = (extent + parts - 1) / parts;
    for (int64_t left = extent; static_cast<int64_t>(sizes.size()) < parts; left -= sizes.back())
      sizes.push_back(std::clamp<int64_t>(left, 0, size));
  }
  require(static_cast<int>(sizes.size()) == n.output_size(), "{} sizes, but {} outputs",
          sizes.size(), n.output_size());
  int64_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    require(sizes[i] >= 0 && sizes[i] <= extent - at, "the sizes exceed the extent {}", extent);
    in.bind(n, static_cast<int>(i), ir::slice(x, axis, at, at + sizes[i]));
    at += sizes[i];
  }
  require(at == extent, "the sizes make {}, the extent is {}", at, extent);
}

// [a, b] -> [1, a, 1, b] -> [r, a, s, b] -> [r a, s b]
void tile(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Ints repeats = in.numbers(n, 1);
  require(static_cast<int>(repeats.size()) == x.rank(), "expected {} repeats, found {}", x.rank(),
          repeats.size());
  Ints apart, repeated, joined;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t extent = x.shape()[i];
    const int64_t times = repeats[static_cast<size_t>(i)];
    require(times >= 0, "a repeat is negative");
    if (times != 1) {
      static_extent(x, i);
      apart.push_back(1);
      repeated.push_back(times);
    }
    apart.push_back(extent);
    repeated.push_back(extent);
    int64_t all = extent;
    require(times == 1 || !__builtin_mul_overflow(extent, times, &all), "the result is too large");
    joined.push_back(all);
  }
  in.bind(n,
          ir::reshape(ir::broadcast(ir::reshape(x, Shape(apart)), Shape(repeated)), Shape(joined)));
}

// [N, C, H, W] with blocks of b x b: channels to places, and places to channels.
void depth_to_space(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Shape s = x.shape();
  const int64_t b = int_of(n, "blocksize", 0);
  require(s.rank() == 4 && b > 0 && b < INT32_MAX && s[1] % (b * b) == 0,
          "{} has no blocks of {} x {}", s, b, b);
  const int64_t c = s[1] / (b * b);
  const bool crd = string_of(n, "mode", "DCR") == "CRD";
  const Expr apart = crd ? ir::reshape(x, {s[0], c, b, b, s[2], s[3]})
                         : ir::reshape(x, {s[0], b, b, c, s[2], s[3]});
  const Expr moved = ir::transpose(apart, crd ? Ints{0, 1, 4, 2, 5, 3} : Ints{0, 3, 4, 1, 5, 2});
  in.bind(n, ir::reshape(moved, {s[0], c, s[2] * b, s[3] * b}));
}
void space_to_depth(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  const Shape s = x.shape();
  const int64_t b = int_of(n, "blocksize", 0);
  require(s.rank() == 4 && b > 0 && b < INT32_MAX && s[2] % b == 0 && s[3] % b == 0,
          "{} has no blocks of {} x {}", s, b, b);
  const Expr apart = ir::reshape(x, {s[0], s[1], s[2] / b, b, s[3] / b, b});
  const Expr moved = ir::transpose(apart, {0, 3, 5, 1, 2, 4});
  in.bind(n, ir::reshape(moved, {s[0], s[1] * b * b, s[2] / b, s[3] / b}));
}

// Keeps the elements on one side of a diagonal, zeros on the other.
void trilu(OnnxImporter& in, const Node& n) {
  const Expr x = in.expr(n, 0);
  require(x.rank() >= 2, "expected matrices, found {}", x.shape());
  const int64_t rows = static_extent(x, x.rank() - 2);
  const int64_t cols = static_extent(x, x.rank() - 1);
  const int64_t k = in.has(n, 1) ? in.numbers(n, 1).at(0) : 0;
  const bool upper = int_of(n, "upper", 1) != 0;
  in.charge(rows == 0 ? 0 : rows * cols);
  Tensor mask(DType::boolean, {rows, cols});
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c)
      mask.data<bool>()[r * cols + c] = upper ? c - r >= k : c - r <= k;
  in.bind(n, ir::select(in.constant(mask), x, in.scalar(x.dtype(), 0)));
}

}  // namespace

std::vector<OnnxImportRow> onnx_movement_rows() {
  return {{"Transpose", transpose},
          {"Slice", slice},
          {"Pad", pad},
          {"Split", split},
          {"Tile", tile},
          {"DepthToSpace", depth_to_space},
          {"SpaceToDepth", space_to_depth},
          {"Trilu", trilu}};
}

}  // namespace hone::io

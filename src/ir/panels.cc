// The arithmetic of panels.
#include "ir/panels.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "ir/infer.h"

namespace hone::ir {

ColumnCut::Panel ColumnCut::panel(int64_t i) const {
  const int64_t begin = i * vectors() / panels() * lanes;
  const int64_t end = (i + 1) * vectors() / panels() * lanes;
  return {begin, std::min(end, columns) - begin, end - begin};
}

PanelFormat PanelFormat::from(const Attrs& attrs) {
  const Ints& extents = attrs.ints("extents");
  const Ints& strides = attrs.ints("strides");
  const Ints& panel = attrs.ints("panel");
  const Shape weight(attrs.ints("shape"));
  require(extents.size() == 4 && strides.size() == 4 && (panel.size() == 2 || panel.size() == 3),
          "expected 4 extents, 4 strides, and a panel's lanes, vectors and step");
  require_reasonable(weight);
  require(weight.is_static(), "expected a weight without a batch, found {}", weight);
  PanelFormat f{weight,
                {extents[0], strides[0]},
                {extents[1], strides[1]},
                {extents[2], strides[2]},
                {extents[3], strides[3]},
                panel[0],
                panel[1],
                panel.size() == 3 ? panel[2] : 1};
  require(f.lanes > 0 && f.max_vectors > 0 && f.step > 0,
          "expected lanes, vectors and a step above 0");
  require_reasonable({f.lanes, f.max_vectors, f.step});
  // The axes, from the one whose neighbours lie side by side, count every element once.
  std::array<Axis, 4> axes = {f.group, f.tap, f.depth, f.column};
  std::sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) {
    return std::pair(a.stride, a.extent) < std::pair(b.stride, b.extent);
  });
  int64_t elements = 1;
  for (const Axis& axis : axes) {
    require(axis.extent > 0, "expected extents above 0, found {}", axis.extent);
    require(axis.extent == 1 || axis.stride == elements,
            "expected strides of a dense weight, found {} after {} elements", axis.stride,
            elements);
    require_reasonable({elements, axis.extent});
    elements *= axis.extent;
  }
  require(elements == weight.elements(), "expected the extents of a weight {}", weight);
  require_reasonable(
      {f.group.extent, f.tap.extent, f.depth.extent + f.step, f.cut().vectors() * f.lanes});
  return f;
}

Attrs PanelFormat::attrs() const {
  return {{"shape", weight.dims()},
          {"extents", Ints{group.extent, tap.extent, depth.extent, column.extent}},
          {"strides", Ints{group.stride, tap.stride, depth.stride, column.stride}},
          {"panel", step == 1 ? Ints{lanes, max_vectors} : Ints{lanes, max_vectors, step}}};
}

int64_t PanelFormat::offset(int64_t group_index, const Columns& columns) const {
  return (group_index * cut().vectors() * lanes + columns.begin) * tap.extent * depth_pitch();
}

int64_t PanelFormat::elements() const {
  return group.extent * cut().vectors() * lanes * tap.extent * depth_pitch();
}

bool PanelFormat::is_plain() const {
  return step == 1 && group.extent * panels() == 1 && column.extent == cut().vectors() * lanes &&
         column.stride == 1 && depth.stride == column.extent &&
         (tap.extent == 1 || tap.stride == depth.extent * column.extent);
}

}  // namespace hone::ir

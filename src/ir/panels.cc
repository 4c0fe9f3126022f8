// The arithmetic of panels.
#include "ir/panels.h"

#include <algorithm>

#include "base/error.h"
#include "ir/infer.h"

namespace hone::ir {

PanelFormat PanelFormat::from(const Attrs& attrs) {
  const Ints& extents = attrs.ints("extents");
  const Ints& strides = attrs.ints("strides");
  const Ints& panel = attrs.ints("panel");
  require(extents.size() == 4 && strides.size() == 4 && panel.size() == 2,
          "expected 4 extents, 4 strides, and a panel's lanes and vectors");
  require_reasonable(Shape(extents));
  require_reasonable(Shape(panel));
  PanelFormat f{Shape(attrs.ints("shape")),
                {extents[0], strides[0]},
                {extents[1], strides[1]},
                {extents[2], strides[2]},
                {extents[3], strides[3]},
                panel[0],
                panel[1]};
  int64_t last = 0;
  for (const Axis& axis : {f.group, f.tap, f.depth, f.column}) {
    require(axis.extent > 0 && axis.stride >= 0, "expected extents above 0, strides of at least 0");
    require(axis.stride <= f.weight.elements(), "a stride leaves the weight");
    last += (axis.extent - 1) * axis.stride;
  }
  require(f.lanes > 0 && f.max_vectors > 0, "expected lanes and vectors above 0");
  require(last < f.weight.elements() && Shape(extents).elements() == f.weight.elements(),
          "expected extents and strides of a weight {}", f.weight.to_string());
  return f;
}

Attrs PanelFormat::attrs() const {
  return {{"shape", weight.dims()},
          {"extents", Ints{group.extent, tap.extent, depth.extent, column.extent}},
          {"strides", Ints{group.stride, tap.stride, depth.stride, column.stride}},
          {"panel", Ints{lanes, max_vectors}}};
}

int64_t PanelFormat::panels() const { return (vectors() + max_vectors - 1) / max_vectors; }

PanelFormat::Columns PanelFormat::columns(int64_t panel) const {
  const int64_t begin = panel * vectors() / panels() * lanes;
  const int64_t end = (panel + 1) * vectors() / panels() * lanes;
  return {begin, std::min(end, column.extent) - begin, end - begin};
}

int64_t PanelFormat::offset(int64_t group_index, const Columns& columns) const {
  return (group_index * vectors() * lanes + columns.begin) * tap.extent * depth.extent;
}

int64_t PanelFormat::floats() const {
  return group.extent * vectors() * lanes * tap.extent * depth.extent;
}

bool PanelFormat::is_plain() const {
  return group.extent * panels() == 1 && column.extent == vectors() * lanes && column.stride == 1 &&
         depth.stride == column.extent &&
         (tap.extent == 1 || tap.stride == depth.extent * column.extent);
}

}  // namespace hone::ir

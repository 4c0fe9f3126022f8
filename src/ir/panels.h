// How a kernel wants a weight: cut into panels of columns, each in the order in which it is read.
//
// A weight is seen as groups x taps x depth x columns: a matrix has one group (or one for each
// matrix) and one tap; a filter has a tap for each place of its window. The columns of a group are
// cut into panels of whole vectors, as even as they can be; a panel holds [taps][depth][columns],
// the columns filled up with zeros to whole vectors. Where a kernel takes several steps of the
// depth at once, those of a column lie side by side, [taps][depth / step][columns][step], the depth
// filled up too. Nothing is lost: the `unpack` op gives the weight back.
#pragma once

#include "ir/attrs.h"

namespace hone::ir {

/// Columns cut into panels of whole vectors, as even as they can be.
struct ColumnCut {
  struct Panel {
    int64_t begin, size;  ///< of the columns
    int64_t pitch;        ///< size, filled up to whole vectors
  };

  int64_t columns;
  int64_t lanes;        ///< in a vector
  int64_t max_vectors;  ///< the most vectors of a panel

  int64_t vectors() const { return (columns + lanes - 1) / lanes; }
  int64_t panels() const { return (vectors() + max_vectors - 1) / max_vectors; }
  Panel panel(int64_t i) const;
};

struct PanelFormat {
  struct Axis {
    int64_t extent;
    int64_t stride;  ///< in the weight, in elements
    friend bool operator==(const Axis&, const Axis&) = default;
  };
  using Columns = ColumnCut::Panel;

  Shape weight;
  Axis group, tap, depth, column;
  int64_t lanes;        ///< columns of a vector
  int64_t max_vectors;  ///< the most vectors of a panel
  int64_t step = 1;     ///< of the depth, at once

  /// Throws InvalidInput unless they describe a format.
  static PanelFormat from(const Attrs& attrs);
  Attrs attrs() const;

  /// Panels of a group.
  int64_t panels() const { return cut().panels(); }
  Columns columns(int64_t panel) const { return cut().panel(panel); }
  /// The depth, filled up to whole steps.
  int64_t depth_pitch() const { return (depth.extent + step - 1) / step * step; }
  /// Where a panel lies, in elements.
  int64_t offset(int64_t group, const Columns& columns) const;
  /// All panels of all groups.
  int64_t elements() const;
  /// True if the weight lies so already.
  bool is_plain() const;

  friend bool operator==(const PanelFormat&, const PanelFormat&) = default;

 private:
  ColumnCut cut() const { return {column.extent, lanes, max_vectors}; }
};

}  // namespace hone::ir

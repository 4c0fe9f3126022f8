// Panels: how columns are cut, and which attributes are a format.
#include "ir/panels.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace hone::ir {
namespace {

TEST(Panels, AreEven) {
  const ColumnCut cut{75, 16, 4};
  ASSERT_EQ(cut.panels(), 2);
  EXPECT_EQ(cut.panel(0).size, 32);
  EXPECT_EQ(cut.panel(1).begin, 32);
  EXPECT_EQ(cut.panel(1).size, 43);
  EXPECT_EQ(cut.panel(1).pitch, 48);
}

// Two groups of 2 taps, 3 deep, of 5 columns, as a filter [tap, depth, group, column] has them.
const PanelFormat kFilter{{2, 3, 10}, {2, 5}, {2, 30}, {3, 10}, {5, 1}, 4, 1};

TEST(Panels, LieOneAfterAnother) {
  EXPECT_EQ(kFilter.panels(), 2);
  EXPECT_EQ(kFilter.elements(), 2 * 8 * 6);
  EXPECT_EQ(kFilter.offset(0, kFilter.columns(1)), 4 * 6);
  EXPECT_EQ(kFilter.offset(1, kFilter.columns(0)), 8 * 6);
  EXPECT_FALSE(kFilter.is_plain());
  EXPECT_TRUE((PanelFormat{{3, 8}, {1, 0}, {1, 0}, {3, 8}, {8, 1}, 4, 2}.is_plain()));
}

TEST(Panels, AttributesAreTheFormat) { EXPECT_EQ(PanelFormat::from(kFilter.attrs()), kFilter); }

TEST(Panels, WhatIsNoFormatIsRefused) {
  constexpr int64_t kVast = int64_t{1} << 40;
  const auto refused = [](const PanelFormat& f) {
    try {
      PanelFormat::from(f.attrs());
    } catch (const Error& e) {
      return e.kind() == ErrorKind::InvalidInput;
    }
    return false;
  };
  EXPECT_TRUE(refused({{kBatch}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, 1, 1})) << "no extent";
  EXPECT_TRUE(refused({{kVast, kVast}, {1, 0}, {1, 0}, {1, 0}, {1, 0}, 1, 1})) << "too large";
  EXPECT_TRUE(refused({{1 << 24}, {1 << 24, 1}, {1, 0}, {1, 0}, {1, 0}, kVast, 1})) << "lanes";
  EXPECT_TRUE(refused({{4}, {1, 0}, {1, 0}, {2, 0}, {2, 1}, 1, 1})) << "an element twice";
  EXPECT_TRUE(refused({{4}, {1, 0}, {1, 0}, {1, 0}, {3, 1}, 1, 1})) << "an element never";
  EXPECT_TRUE(refused({{4}, {1, 0}, {1, 0}, {1, 0}, {4, 1}, 0, 1})) << "no lanes";
}

}  // namespace
}  // namespace hone::ir

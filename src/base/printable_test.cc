// What a name in a file can hold, and an error's line.
#include "base/printable.h"

#include <gtest/gtest.h>
#include <hone/error.h>

namespace hone {
namespace {

TEST(Printable, SpellsOutControlCharacters) {
  EXPECT_EQ(printable("layer1/Zürich é"), "layer1/Zürich é");
  EXPECT_EQ(printable(std::string("a\nb\t\x1b[31m\x7f\0c", 12)), "a\\nb\\x09\\x1b[31m\\x7f\\x00c");
  EXPECT_EQ(printable_lines("a\nb\r"), "a\nb\\x0d");
}

TEST(Printable, AnErrorIsOneLine) {
  EXPECT_STREQ(Error(ErrorKind::InvalidInput, "node 'a\nb'").what(), "node 'a\\nb'");
}

}  // namespace
}  // namespace hone

// Text of others (names in a file, paths) as it may stand in a line for a person.
#pragma once

#include <string>
#include <string_view>

namespace hone {

/// The text with its control characters spelled out ("\n", "\x1b"), so that it stays one line and
/// does nothing to a terminal.
std::string printable(std::string_view text);
/// The same of text that has lines of its own.
std::string printable_lines(std::string_view text);

}  // namespace hone

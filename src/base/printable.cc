// Bytes of 0x80 and above stay: they are letters in UTF-8.
#include "base/printable.h"

#include <fmt/format.h>

namespace hone {
namespace {

std::string spelled_out(std::string_view text, bool keeps_lines) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || (keeps_lines && c == '\n')) out += c;
    else if (c == '\n') out += "\\n";
    else out += fmt::format("\\x{:02x}", byte);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) { return spelled_out(text, false); }
std::string printable_lines(std::string_view text) { return spelled_out(text, true); }

}  // namespace hone

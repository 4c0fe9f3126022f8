// The few parts of protocol buffers' wire format that hone writes itself, for messages too large to
// be built as one.
#pragma once

#include <cstdint>
#include <string>

namespace hone::io {

inline void put_varint(std::string& out, uint64_t value) {
  for (; value > 127; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}

/// What stands before the `length` bytes of a string, of bytes, or of a message in a message.
inline void put_field(std::string& out, int number, uint64_t length) {
  put_varint(out, static_cast<uint64_t>(number) << 3 | 2);
  put_varint(out, length);
}

}  // namespace hone::io

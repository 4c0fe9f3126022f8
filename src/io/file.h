// Whole files, read and written. A write is atomic: the bytes go to a file beside, reach the disk,
// and the file is renamed, so that a crash or a full disk never leaves half of a file.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hone::io {

/// The bytes of a file. Throws Io, naming the file.
std::string read_file(const std::string& path);

/// Replaces the file by the concatenated pieces, or throws Io, naming the file, and leaves what was
/// there. What exists and is no regular file (a pipe, /dev/null) is written in place.
void write_file(const std::string& path, std::span<const std::string_view> pieces);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace hone::io

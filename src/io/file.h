// Whole files, read and written. A write is atomic: the bytes go to a file beside, reach the disk,
// and the file is renamed, so that a crash or a full disk never leaves half of a file.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace hone::io {

/// The bytes of a file. Throws Io, naming the file.
std::string read_file(const std::string& path);

/// Calls `write` with the name of a file to make beside, and puts that in the place of the file, or
/// leaves what was there if anything is thrown.
void replace_file(const std::string& path,
                  const std::function<void(const std::string& beside)>& write);

/// Replaces the file by the concatenated pieces, or throws Io, naming the file, and leaves what was
/// there. What exists and is no regular file (a pipe, /dev/null) is written in place.
void write_file(const std::string& path, std::span<const std::string_view> pieces);
void write_file(const std::string& path, std::string_view bytes);

}  // namespace hone::io

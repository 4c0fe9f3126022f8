// Throwing `hone::Error` with a formatted line.
#pragma once

#include <fmt/core.h>
#include <hone/error.h>

#include <utility>

namespace hone {

template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws `InvalidInput` unless `ok`.
template <class... Args>
void require(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) fail(ErrorKind::InvalidInput, format, std::forward<Args>(args)...);
}

/// Throws `Internal` unless `ok`: for what only a bug in hone can break.
template <class... Args>
void invariant(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) fail(ErrorKind::Internal, format, std::forward<Args>(args)...);
}

}  // namespace hone

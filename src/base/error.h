// Throwing `hone::Error` with a formatted line, which is made only when something is thrown: shapes
// and types are arguments as they are.
#pragma once

#include <fmt/format.h>
#include <hone/error.h>
#include <hone/tensor.h>

#include <string_view>
#include <utility>

template <>
struct fmt::formatter<hone::Shape> : fmt::formatter<std::string_view> {
  auto format(const hone::Shape& shape, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(shape.to_string(), context);
  }
};
template <>
struct fmt::formatter<hone::TensorType> : fmt::formatter<std::string_view> {
  auto format(const hone::TensorType& type, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(type.to_string(), context);
  }
};

namespace hone {

template <class... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws `InvalidInput` unless `ok`.
template <class... Args>
void require(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    fail(ErrorKind::InvalidInput, format, std::forward<Args>(args)...);
}

/// Throws `Internal` unless `ok`: for what only a bug in hone can break.
template <class... Args>
void invariant(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    fail(ErrorKind::Internal, format, std::forward<Args>(args)...);
}

}  // namespace hone

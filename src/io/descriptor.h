// An open file of the operating system. Only the io folder includes it.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace hone::io {

/// Linux transfers at most 2^31 - 4096 bytes a call.
inline constexpr size_t kLargestTransfer = size_t{1} << 30;

/// Throws Io: "cannot VERB 'PATH': ", and what `error`, an errno, means.
[[noreturn]] void fail_errno(std::string_view verb, const std::string& path, int error);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  /// Closes and says what close() said: some file systems report a full disk only here.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

}  // namespace hone::io

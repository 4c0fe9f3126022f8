// The one vocabulary of failure: what went wrong, in a kind that a program can act on and a line
// that a person can. Loading, passes and planning throw; kernels never do.
#pragma once

#include <stdexcept>
#include <string>

namespace hone {

/// What kind of failure an `Error` is.
enum class ErrorKind {
  InvalidInput,  ///< a file, a graph or an argument that breaks its contract
  Unsupported,   ///< valid, but outside what hone does
  Io,            ///< the operating system refused to read or write
  Comm,          ///< a peer of a distributed run failed or disagreed
  Exhausted,     ///< memory, disk or another limit ran out
  Deadline,      ///< a time limit passed
  Cancelled,     ///< somebody asked to stop (Ctrl-C)
  Internal,      ///< a bug in hone
};

/// The only exception that hone throws. `what()` is one line that names the thing, what was
/// expected and what was found.
class Error : public std::runtime_error {
 public:
  /// Control characters in the message are spelled out.
  Error(ErrorKind kind, const std::string& message);
  /// The kind of failure.
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace hone

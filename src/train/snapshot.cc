// Copying states to memory or to a file.
#include "train/snapshot.h"

#include <algorithm>

namespace hone::train {
namespace {

int64_t bytes_of(const exec::StateStore& states) {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : states) bytes += tensor.bytes();
  return bytes;
}

}  // namespace

bool Snapshot::keep(const exec::StateStore& states) {
  if (bytes_of(states) <= kCopiedInMemory) {
    if (copy_.empty()) copy_ = exec::clone(states);
    else exec::copy_into(copy_, states);
    return true;
  }
  if (!file_) file_.reset(std::tmpfile());
  if (!file_) return false;
  std::rewind(file_.get());
  const bool written = std::ranges::all_of(states, [&](const auto& state) {
    const auto bytes = static_cast<size_t>(state.second.bytes());
    return std::fwrite(state.second.raw(), 1, bytes, file_.get()) == bytes;
  });
  if (written && std::fflush(file_.get()) == 0) return true;
  file_.reset();
  return false;
}

bool Snapshot::restore(exec::StateStore& states) {
  if (!copy_.empty()) {
    exec::copy_into(states, copy_);
    return true;
  }
  if (!file_) return false;
  std::rewind(file_.get());
  return std::ranges::all_of(states, [&](auto& state) {
    const auto bytes = static_cast<size_t>(state.second.bytes());
    return std::fread(state.second.raw(), 1, bytes, file_.get()) == bytes;
  });
}

}  // namespace hone::train

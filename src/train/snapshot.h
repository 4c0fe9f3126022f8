// A copy of a run's states that does not take the memory that training needs.
#pragma once

#include <cstdio>
#include <memory>

#include "exec/state_store.h"

namespace hone::train {

/// States up to this are copied in memory.
inline constexpr int64_t kCopiedInMemory = int64_t{4} << 20;

class Snapshot {
 public:
  /// Keeps what `states` hold now, in place of what it kept before: in memory if that is little,
  /// else in a temporary file without a name. False, and nothing is kept, where that is refused.
  bool keep(const exec::StateStore& states);
  /// Writes what is kept over `states`, which are those that were given. False if nothing is, or
  /// the file cannot be read; the states may then hold anything.
  bool restore(exec::StateStore& states);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  exec::StateStore copy_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace hone::train

// The states of a run by name: parameters, moments, statistics, the step. A checkpoint is a copy of
// it.
#pragma once

#include <hone/tensor.h>

#include <algorithm>
#include <map>
#include <string>

namespace hone::exec {

using StateStore = std::map<std::string, Tensor>;

/// A store with memory of its own.
inline StateStore clone(const StateStore& store) {
  StateStore out;
  for (const auto& [name, tensor] : store) out.emplace(name, tensor.clone());
  return out;
}

/// Writes the values of `from`, which has every state of `to`, over those of `to`, in its memory.
inline void copy_into(StateStore& to, const StateStore& from) {
  for (auto& [name, tensor] : to) std::copy_n(from.at(name).raw(), tensor.bytes(), tensor.raw());
}

}  // namespace hone::exec

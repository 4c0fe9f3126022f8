// The states of a run by name: parameters, moments, statistics, the step. A checkpoint is a copy of
// it.
#pragma once

#include <hone/tensor.h>

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

}  // namespace hone::exec

// The version of the numerics contract (docs/numerics.md). Raised when a rule changes the bits of
// any op; checkpoints record it, and a run is not resumed under another one.
#pragma once

namespace hone {

inline constexpr int kNumericsVersion = 4;

}  // namespace hone

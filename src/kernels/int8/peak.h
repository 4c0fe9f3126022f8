// What the cores can do at most with bytes: the yardstick of 8-bit products.
#pragma once

#include <optional>

#include "base/cpu.h"

namespace hone::kernels {

/// Billions of products a second, exact and added up, of one thread that does nothing but that in
/// registers, at a level of avx2 or higher. Takes about 2 ms, and gives the best of several short
/// runs. None at amx, whose registers take no vectors.
std::optional<double> measure_int8_peak_gmacs(Isa isa);

}  // namespace hone::kernels

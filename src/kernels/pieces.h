// Cutting a loop into pieces that are worth handing to a thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/thread_pool.h"

namespace hone::kernels {

/// Calls `body(begin, end)` over [0, units) in pieces of about 32 thousand elements, where a unit
/// has `unit_elements`. A loop of one piece runs on the caller's thread.
template <class Body>
void for_each_piece(ThreadPool& pool, int64_t units, int64_t unit_elements, Body&& body) {
  constexpr int64_t kPieceElements = 32768;
  const int64_t piece = std::max<int64_t>(1, kPieceElements / std::max<int64_t>(1, unit_elements));
  pool.run((units + piece - 1) / piece,
           [&](int64_t i, int) { body(i * piece, std::min(units, (i + 1) * piece)); });
}

}  // namespace hone::kernels

// For tests: how often the calling thread has allocated by operator new, which the test program
// replaces (allocations_test.cc).
#pragma once

#include <cstdint>

namespace hone {

int64_t allocations();

}  // namespace hone

// operator new and delete that count, for the whole test program.
#include "base/allocations.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

namespace {
thread_local int64_t count = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace hone {

int64_t allocations() { return count; }

TEST(Allocations, AreCounted) {
  const int64_t before = allocations();
  const auto kept = std::make_unique<std::string>(100, 'x');
  EXPECT_EQ(allocations(), before + 2);
}

}  // namespace hone

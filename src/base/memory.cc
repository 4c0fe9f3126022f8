// Small pieces from the heap, large ones from the system.
#include "base/memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace hone {
namespace {

// Masked vector tails may touch a full vector; the slack keeps such reads inside the allocation.
constexpr size_t kSlack = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kLarge = 2 * kHugePage;

constexpr size_t round_up(size_t size, size_t unit) { return (size + unit - 1) / unit * unit; }

// Starts at a huge page; the rest beyond the last whole one keeps to small pages. nullptr: no
// memory.
std::shared_ptr<std::byte> map_zeros(size_t size) {
  const size_t mapped = size + kHugePage;
  void* at = ::mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(at);
  const size_t skipped = (kHugePage - reinterpret_cast<uintptr_t>(at) % kHugePage) % kHugePage;
  std::byte* memory = begin + skipped;
  // Advice only: where there are no huge pages, all stay small.
  ::madvise(memory, size / kHugePage * kHugePage, MADV_HUGEPAGE);
  return {memory, [begin, mapped](std::byte*) { ::munmap(begin, mapped); }};
}

std::shared_ptr<std::byte> heap_zeros(size_t size) {
  void* memory = std::aligned_alloc(kTensorAlignment, round_up(size, kTensorAlignment));
  if (memory == nullptr) return nullptr;
  std::memset(memory, 0, size);
  return {static_cast<std::byte*>(memory), [](std::byte* p) { std::free(p); }};
}

}  // namespace

std::shared_ptr<std::byte> allocate_zeros(int64_t bytes) {
  const size_t size = static_cast<size_t>(bytes) + kSlack;
  std::shared_ptr<std::byte> memory = size >= kLarge ? map_zeros(size) : heap_zeros(size);
  if (memory == nullptr) fail(ErrorKind::Exhausted, "out of memory: {} bytes for a tensor", bytes);
  return memory;
}

}  // namespace hone

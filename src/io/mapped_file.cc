// A private, writable mapping: a tensor of it can be trained, and the file stays as it is. No two
// tensors share a byte, or training one would change the other.
#include "io/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <iterator>

namespace hone::io {
namespace {

// What a tensor's memory needs (hone/tensor.h).
constexpr int64_t kAlignment = 64;
constexpr int64_t kSlack = 64;

// Lets the system drop the whole pages of a range that nobody reads any more.
void give_back(std::byte* memory, int64_t length, int64_t page) {
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const auto size = static_cast<uintptr_t>(page);
  const uintptr_t first = (begin + size - 1) / size * size;
  const uintptr_t end = (begin + static_cast<uintptr_t>(length)) / size * size;
  if (first < end) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
}

}  // namespace

MappedFile::~MappedFile() {
  if (memory_ != nullptr) ::munmap(memory_, static_cast<size_t>(size()));
}

std::byte* MappedFile::memory() {
  if (memory_ == nullptr) {
    void* at = ::mmap(nullptr, static_cast<size_t>(size()), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_NORESERVE, file_.get(), 0);
    if (at == MAP_FAILED) fail_errno("map", path_, errno);
    memory_ = static_cast<std::byte*>(at);
  }
  return memory_;
}

bool MappedFile::take(int64_t begin, int64_t end) {
  const auto next = taken_.lower_bound(begin);
  const bool is_free = (next == taken_.end() || end <= next->first) &&
                       (next == taken_.begin() || std::prev(next)->second <= begin);
  if (is_free && begin < end) taken_.emplace(begin, end);
  return is_free;
}

std::shared_ptr<std::byte> MappedFile::share(const std::shared_ptr<MappedFile>& file,
                                             int64_t offset, int64_t length) {
  // The last page is there as a whole.
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t mapped = (file->size() + page - 1) / page * page;
  const bool fits = offset >= 0 && length >= 0 && offset <= file->size() &&
                    length <= file->size() - offset && offset + length + kSlack <= mapped;
  if (!fits || offset % kAlignment != 0 || !file->take(offset, offset + length)) return nullptr;
  std::byte* memory = file->memory() + offset;
  return {memory, [file, length, page](std::byte* at) { give_back(at, length, page); }};
}

}  // namespace hone::io

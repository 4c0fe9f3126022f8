// Merging loops, choosing the innermost plane, and copying it.
#include "kernels/movement/strided_copy.h"

#include <algorithm>
#include <cstring>

namespace hone::kernels {

StridedCopy::StridedCopy(const std::vector<int64_t>& dims, const std::vector<int64_t>& from_strides,
                         const std::vector<int64_t>& to_strides, int64_t element_bytes, Isa isa)
    : rows_{1, 0, 0}, cols_{1, 1, 1}, element_bytes_(element_bytes), fns_(movement_fns(isa)) {
  std::vector<Loop> loops;
  for (size_t i = 0; i < dims.size(); ++i) {
    const Loop loop{dims[i], from_strides[i], to_strides[i]};
    if (loop.extent == 1) continue;
    if (!loops.empty() && loops.back().from == loop.extent * loop.from &&
        loops.back().to == loop.extent * loop.to)
      loops.back() = {loops.back().extent * loop.extent, loop.from, loop.to};
    else loops.push_back(loop);
  }
  if (!loops.empty()) {
    cols_ = loops.back();
    loops.pop_back();
  }
  how_ = cols_.to != 1 ? How::elements : cols_.from == 1 ? How::rows : How::elements;
  if (cols_.to == 1 && cols_.from == 0) how_ = How::repeat;
  // The order of the loops is free: the rows of a transposition are where the source is dense.
  auto rows = loops.empty() ? loops.end() : loops.end() - 1;
  if (how_ == How::elements && cols_.to == 1) {
    const auto dense =
        std::find_if(loops.begin(), loops.end(), [](const Loop& l) { return l.from == 1; });
    if (dense != loops.end()) {
      how_ = How::transpose;
      rows = dense;
    }
  }
  if (rows != loops.end()) {
    rows_ = *rows;
    loops.erase(rows);
  }
  for (const Loop& loop : loops) {
    outer_from_.push(loop.extent, loop.from);
    outer_to_.push(loop.extent, loop.to);
  }
  outer_count_ = outer_from_.count();
}

template <class E>
void StridedCopy::plane(const E* from, E* to, int64_t rows) const {
  const auto bytes = static_cast<size_t>(cols_.extent) * sizeof(E);
  switch (how_) {
    case How::rows:
      for (int64_t r = 0; r < rows; ++r)
        std::memcpy(to + r * rows_.to, from + r * rows_.from, bytes);
      return;
    case How::repeat:
      for (int64_t r = 0; r < rows; ++r)
        std::fill_n(to + r * rows_.to, cols_.extent, from[r * rows_.from]);
      return;
    case How::transpose:
      if constexpr (std::is_same_v<E, uint32_t>)
        return fns_.transpose(from, cols_.from, to, rows_.to, rows, cols_.extent);
      if constexpr (std::is_same_v<E, uint8_t>)
        if (cols_.extent >= 2 && cols_.extent <= kInterleaved && rows_.from == 1 &&
            rows_.to == cols_.extent)
          return fns_.interleave(from, cols_.from, to, rows, cols_.extent);
      [[fallthrough]];
    case How::elements:
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < cols_.extent; ++c)
          to[r * rows_.to + c * cols_.to] = from[r * rows_.from + c * cols_.from];
      return;
  }
}

void StridedCopy::run(const std::byte* from, std::byte* to, ThreadPool& pool) const noexcept {
  if (from == to && is_plain()) return;
  if (rows_.extent * cols_.extent * outer_count_ == 0) return;
  // Planes are cut into bands of rows, in multiples of a transposed tile's and a cache line's.
  constexpr int64_t kBandElements = 16384, kRowMultiple = 16;
  const int64_t band = (kBandElements / cols_.extent / kRowMultiple + 1) * kRowMultiple;
  const int64_t bands = (rows_.extent + band - 1) / band;
  const auto copy = [&](auto tag) {
    using E = decltype(tag);
    for_each_piece(
        pool, outer_count_ * bands, std::min(band, rows_.extent) * cols_.extent,
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t plane_index = i / bands, row = i % bands * band;
            plane(reinterpret_cast<const E*>(from) + outer_from_.offset(plane_index) +
                      row * rows_.from,
                  reinterpret_cast<E*>(to) + outer_to_.offset(plane_index) + row * rows_.to,
                  std::min(band, rows_.extent - row));
          }
        });
  };
  if (element_bytes_ == 4) copy(uint32_t{});
  else if (element_bytes_ == 8) copy(uint64_t{});
  else if (element_bytes_ == 2) copy(uint16_t{});
  else copy(uint8_t{});
}

}  // namespace hone::kernels

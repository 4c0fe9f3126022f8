// Greedy by size, as in Pisarchyk and Lee, "Efficient memory management for deep neural net
// inference" (2020): within a few per cent of optimal on real networks.
#include "plan/memory.h"

#include <algorithm>
#include <numeric>

namespace hone::plan {

int64_t pack(std::vector<Interval>& intervals) {
  std::vector<size_t> order(intervals.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return intervals[a].bytes > intervals[b].bytes; });

  std::vector<const Interval*> placed;  // by offset
  int64_t arena = 0;
  for (size_t index : order) {
    Interval& mine = intervals[index];
    const int64_t bytes = aligned(mine.bytes);
    int64_t offset = 0;
    for (const Interval* other : placed) {
      if (other->last < mine.first || mine.last < other->first) continue;
      if (offset + bytes <= other->offset) break;
      offset = std::max(offset, other->offset + aligned(other->bytes));
    }
    mine.offset = offset;
    arena = std::max(arena, offset + bytes);
    placed.insert(std::upper_bound(
                      placed.begin(), placed.end(), &mine,
                      [](const Interval* a, const Interval* b) { return a->offset < b->offset; }),
                  &mine);
  }
  return arena;
}

}  // namespace hone::plan
